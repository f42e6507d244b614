import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { identify, isAlive, type ProcessId } from '../base/process-id.ts';
import { openFiles, pids } from '../base/processes.ts';

/** The flag of a socket that accepts connections, in /proc/net/unix. */
const ACCEPTS = 0x10000;

/** Servers that we were connected to: without the socket file, only Linux shows any others. */
const known = new Map<string, ProcessId>();

export function noteServer(socketPath: string, pid: number): void {
  known.set(socketPath, identify(pid));
}

/**
 * The process id of the tmux server that listens on a socket, as far as we can see, even if the socket file is gone: a
 * cleanup of /tmp removes the file but does not end the server.
 */
export function serverOn(socketPath: string): number | undefined {
  const before = known.get(socketPath);
  if (before !== undefined && isAlive(before)) return before.pid;
  const pid = listenerOn(socketPath);
  if (pid !== undefined) noteServer(socketPath, pid);
  return pid;
}

function listenerOn(socketPath: string): number | undefined {
  const sockets = listening().filter(({ path }) => basename(path) === basename(socketPath));
  if (sockets.length === 0) return undefined;
  for (const pid of pids()) {
    const files = [...(openFiles(pid)?.values() ?? [])];
    const held = sockets.find(({ inode }) => files.includes(`socket:[${inode}]`));
    // A relative path is based on the folder that tmux was started in; in a container the same path is another file.
    if (
      held !== undefined &&
      isSameFile(resolve(link(pid, 'cwd') ?? '/', held.path), socketPath) &&
      link(pid, 'ns/mnt') === link('self', 'ns/mnt')
    )
      return pid;
  }
  return undefined;
}

/** The sockets that accept connections, as far as the system shows them. */
function listening(): { inode: string; path: string }[] {
  const text = orElse(() => readFileSync('/proc/net/unix', 'utf8'), '');
  return text.split('\n').flatMap((line) => {
    const [, , , flags = '', , , inode = '', ...path] = line.trim().split(/\s+/);
    const accepts = (Number.parseInt(flags, 16) & ACCEPTS) !== 0;
    return accepts && path.length > 0 ? [{ inode, path: path.join(' ') }] : [];
  });
}

function link(pid: number | 'self', name: string): string | undefined {
  return orElse(() => readlinkSync(`/proc/${pid}/${name}`), undefined);
}

function isSameFile(one: string, other: string): boolean {
  return one === other || placeOf(one) === placeOf(other);
}

function placeOf(path: string): string {
  return orElse(() => join(realpathSync(dirname(path)), basename(path)), path);
}

/** Why nobody can attach to a server that we may still be connected to, and what helps, if so. */
export function lostSocket(socketPath: string): string | undefined {
  const pid = existsSync(socketPath) ? undefined : serverOn(socketPath);
  if (pid === undefined) return undefined;
  const { message, hint } = outOfReach(socketPath, pid);
  return `Nobody can attach now. ${message} ${hint}`;
}

/** The error for a server that is alive without its socket file. We send no signals to processes that are not ours. */
export function outOfReach(socketPath: string, pid: number): MamError {
  const folder = dirname(socketPath);
  const first = existsSync(folder) ? '' : `mkdir -m 700 ${folder} && `;
  return new MamError(
    'unavailable',
    `The tmux server of ${socketPath} is alive (process ${pid}), but cannot be reached: its socket file is gone.`,
    `\`${first}kill -USR1 ${pid}\` makes tmux create it again; its sessions stay as they are.`,
  );
}
