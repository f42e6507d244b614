import { lstatSync } from 'node:fs';
import { MamError } from '../errors.ts';
import { isOwn } from './owner.ts';

/**
 * The one test before a connection to a socket: it is a socket, not a link to one, and it belongs to this user. The
 * folder that it lies in is tested by `checkOwnFolder`.
 * @throws MamError `refused` with the reason; nothing where there is no such file, which the connection will tell
 */
export function checkOwnSocket(path: string, remedy: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const why = !stat.isSocket()
    ? 'is not a socket'
    : isOwn(stat)
      ? undefined
      : `belongs to another user (uid ${stat.uid})`;
  if (why !== undefined) throw new MamError('refused', `The socket ${path} ${why}.`, remedy);
}
