import { existsSync, lstatSync, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { userId } from '../base/user-home.ts';
import { readObject } from '../trust/files.ts';
import { whyForeign } from '../trust/owner.ts';

/** How long to wait for a new hub to listen, in ms; measured: 80 to 200 on an idle machine. */
export const START_MS = 8_000;
/** Linux silently truncates a longer socket path (108 bytes, macOS 104), so two deep homes could share one socket. */
const MAX_SOCKET_PATH_BYTES = 100;
/** Leaves room for the folder's and the socket's name. */
const MAX_PARENT_BYTES = 50;

/** The hub's socket: in `home`, or in a private folder if that path is too long. @param runtime XDG_RUNTIME_DIR */
export function hubSocketPath(home: string, runtime?: string): string {
  const natural = join(home, 'hub.sock');
  if (Buffer.byteLength(natural) < MAX_SOCKET_PATH_BYTES) return natural;
  return runningSocket(home) ?? join(shortFolder(home, runtime), 'hub.sock');
}

/**
 * Where the hub listens now. A hub that was started meanwhile from another environment names its socket in its file, so
 * a long-lived process must ask again for each connection.
 */
export function presentSocketPath({ home, socketPath }: { home: string; socketPath: string }): string {
  return dirname(socketPath) === home ? socketPath : (runningSocket(home) ?? socketPath);
}

/** The per-user folder that holds the socket of a home that is too deep. */
export function shortFolder(home: string, runtime?: string): string {
  return join(ownRuntimeFolder(runtime) ?? shortTemporaryFolder(), folderName(home));
}

/** Where a hub from another environment listens: its starter may have a different temporary folder. */
function runningSocket(home: string): string | undefined {
  const { socket } = readObject(join(home, 'hub.json'));
  if (typeof socket !== 'string' || basename(dirname(socket)) !== folderName(home)) return undefined;
  return existsSync(socket) ? socket : undefined;
}

function folderName(home: string): string {
  return `mam-${userId()}-${shortHash(home, 12)}`;
}

/** The system's private folder for this user, if there is one. */
function ownRuntimeFolder(folder: string | undefined): string | undefined {
  if (!folder || !isAbsolute(folder) || Buffer.byteLength(folder) >= MAX_PARENT_BYTES) return undefined;
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && whyForeign(stat) === undefined ? folder : undefined;
}

/** The temporary folder, unless it is missing, too deep for a socket, or relative. */
function shortTemporaryFolder(): string {
  const folder = tmpdir();
  const fits = isAbsolute(folder) && Buffer.byteLength(folder) < MAX_PARENT_BYTES;
  return fits && statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? folder : '/tmp';
}

/** With the hash, a name has at most 40 characters, as a `host` that the user sets. */
const MAX_MACHINE_CHARS = 33;

/** One id per hub: two homes on one machine must not answer each other's requests on a shared broker. */
export function hostId(home: string): string {
  const [first = ''] = hostname().toLowerCase().split('.');
  const name = first.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return `${name.slice(0, MAX_MACHINE_CHARS) || 'host'}-${shortHash(`${userId()}:${home}`, 6)}`;
}

/**
 * A short name for a long one: two FNV-1a hashes in hexadecimal. Loading node:crypto takes longer than all other
 * settings together.
 */
function shortHash(text: string, length: number): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of Buffer.from(text)) {
    low = Math.imul(low ^ byte, 0x01000193) >>> 0;
    high = Math.imul(high ^ byte ^ (low >>> 24), 0x01000193) >>> 0;
  }
  return (high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')).slice(0, length);
}
