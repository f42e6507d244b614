import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Linux cuts a longer socket path silently (108 bytes, macOS 104), so two deep homes could share one socket. */
const MAX_SOCKET_PATH_BYTES = 100;

/** The hub's socket: in `home`, or, where that path would be cut, in a short private folder of the user's. */
export function hubSocketPath(home: string): string {
  const natural = join(home, 'hub.sock');
  if (Buffer.byteLength(natural) < MAX_SOCKET_PATH_BYTES) return natural;
  return join(shortFolder(home), 'hub.sock');
}

/** The per-user folder that holds the socket of a home that is too deep. */
export function shortFolder(home: string): string {
  const { uid } = userInfo();
  return join(shortTemporaryFolder(), `mam-${uid}-${shortHash(home, 12)}`);
}

/** The temporary folder, unless that is itself too deep for a socket. */
function shortTemporaryFolder(): string {
  return Buffer.byteLength(tmpdir()) < 50 ? tmpdir() : '/tmp';
}

/** One id per hub: two homes on one machine must not answer each other's requests on a shared broker. */
export function hostId(home: string): string {
  const name =
    hostname()
      .split('.')[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') ?? '';
  return `${name.slice(0, 40) || 'host'}-${shortHash(`${userInfo().uid}:${home}`, 6)}`;
}

/**
 * A short name for a long one: two FNV-1a hashes in hexadecimal. node:crypto would cost every short process more than
 * all the rest of the settings.
 */
function shortHash(text: string, length: number): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of Buffer.from(text)) {
    low = Math.imul(low ^ byte, 0x01000193) >>> 0;
    high = Math.imul(high ^ byte ^ (low >>> 24), 0x01000193) >>> 0;
  }
  return (high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')).slice(0, length);
}
