import { existsSync, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { checkOwnFolder, isOwn, whyForeign } from './owner.ts';

const HUB_REMEDY = 'Remove it if it is not yours, or set MAM_HOME to a folder that only you can write.';
const TMUX_REMEDY = 'Set TMUX_TMPDIR to a folder that only you can write, and start tmux there.';
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * The hub's socket is spoken to only where it and its folder are this user's: whoever listens there is told every task.
 * @throws MamError `refused`; nothing where there is none, which the connection will tell
 */
export function checkHubSocket(path: string): void {
  if (!existsSync(dirname(path))) return;
  checkOwnFolder(dirname(path), HUB_REMEDY);
  checkOwnSocket(path, HUB_REMEDY);
}

/**
 * A tmux server is spoken to only where its socket is this user's: whoever listens there is shown every order, and
 * says what the panes are. With `-S` tmux itself makes no such test.
 * @throws MamError `refused`; nothing where there is no socket, which tmux will tell
 */
export function checkTmuxSocket(path: string): void {
  const folder = dirname(path);
  let stat: Stats | undefined;
  try {
    stat = statSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    throw noSocketFolder(folder, error);
  }
  if (stat === undefined) return;
  const entry = lstatSync(folder);
  const why = isOwn(entry) || entry.uid === 0 ? whyUnsafe(stat) : 'belongs to another user';
  if (why !== undefined)
    throw new MamError('refused', `The folder of the tmux socket ${path} ${why}.`, TMUX_REMEDY);
  checkOwnSocket(path, TMUX_REMEDY);
}

/** The error for a folder of sockets that can't be made or entered. @param folder in that of `TMUX_TMPDIR` */
export function noSocketFolder(folder: string, error: unknown): MamError {
  const parent = dirname(folder);
  const code = systemCode(error);
  const why = code === 'ENOTDIR' ? `${parent} is not a folder` : `${code ?? 'unknown error'}`;
  return new MamError(
    'io',
    `tmux can have no socket in ${folder}: ${why}.`,
    'Set TMUX_TMPDIR to a folder that only you can write, or unset it: tmux then uses /tmp.',
    { cause: error },
  );
}

/** The system's temporary folder may hold a socket too: there only its owner can put another one in its place. */
function whyUnsafe(stat: Stats): string | undefined {
  const everybodys = (stat.mode & WRITABLE_BY_ALL) !== 0;
  if (stat.uid === 0 && (!everybodys || (stat.mode & STICKY) !== 0)) return undefined;
  return whyForeign(stat);
}

/**
 * The one test before a connection to a socket: it belongs to this user, and so does what a link leads to. The folder
 * that it lies in is tested by `checkOwnFolder`.
 * @throws MamError `refused` with the reason; nothing for what is missing or not a socket, which the connection will tell
 */
function checkOwnSocket(path: string, remedy: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  const target = entry?.isSymbolicLink() === true ? statSync(path, { throwIfNoEntry: false }) : entry;
  const foreign = [entry, target].find((stat) => stat !== undefined && !isOwn(stat));
  if (foreign === undefined) return;
  throw new MamError('refused', `The socket ${path} belongs to another user (uid ${foreign.uid}).`, remedy);
}
