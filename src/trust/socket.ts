import { lstatSync, statSync } from 'node:fs';
import { MamError } from '../errors.ts';
import { isOwn } from './owner.ts';

/**
 * The one test before a connection to a socket: it belongs to this user, and so does what a link leads to. The folder
 * that it lies in is tested by `checkOwnFolder`.
 * @throws MamError `refused` with the reason; nothing for what is missing or not a socket, which the connection will tell
 */
export function checkOwnSocket(path: string, remedy: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  const target = entry?.isSymbolicLink() === true ? statSync(path, { throwIfNoEntry: false }) : entry;
  const foreign = [entry, target].find((stat) => stat !== undefined && !isOwn(stat));
  if (foreign === undefined) return;
  throw new MamError('refused', `The socket ${path} belongs to another user (uid ${foreign.uid}).`, remedy);
}
