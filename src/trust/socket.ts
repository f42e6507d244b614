import { existsSync, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { checkOwnFolder, isOwn, STICKY, WRITABLE_BY_ALL, whyForeign } from './owner.ts';

const HUB_REMEDY = 'Remove it if it is not yours, or set MAM_HOME to a folder that only you can write.';
const TMUX_REMEDY = 'Set TMUX_TMPDIR to a folder that only you can write, and start tmux there.';

/**
 * The hub's socket is used only where it and its folder are this user's: whoever listens there gets every task.
 * @throws MamError `refused`; nothing for a missing one, which the connection will show
 */
export function checkHubSocket(path: string): void {
  if (!existsSync(dirname(path))) return;
  checkOwnFolder(dirname(path), HUB_REMEDY);
  checkOwnSocket(path, HUB_REMEDY);
}

/**
 * A tmux server is used only where its socket is this user's: whoever listens there gets every order, and says what the
 * panes are. With `-S` tmux itself makes no such test.
 * @throws MamError `refused`; nothing for a missing socket, which tmux will report
 */
export function checkTmuxSocket(path: string): void {
  const why = whyUnsafe(dirname(path));
  if (why !== undefined)
    throw new MamError('refused', `The folder of the tmux socket ${path} ${why}.`, TMUX_REMEDY);
  checkOwnSocket(path, TMUX_REMEDY);
}

/** The error for a folder of sockets that can't be made or entered. @param folder inside `TMUX_TMPDIR` */
export function noSocketFolder(folder: string, error: unknown): MamError {
  const parent = dirname(folder);
  const code = systemCode(error);
  const why = code === 'ENOTDIR' ? `${parent} is not a folder` : (code ?? 'unknown error');
  const remedy = 'Set TMUX_TMPDIR to a folder that only you can write, or unset it: tmux then uses /tmp.';
  return new MamError('io', `tmux can have no socket in ${folder}: ${why}.`, remedy, { cause: error });
}

/** Why a folder of sockets, or a link to one, is not safe. @throws MamError `io` where it can't be looked at */
function whyUnsafe(folder: string): string | undefined {
  let stat: Stats | undefined;
  try {
    stat = statSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    throw noSocketFolder(folder, error);
  }
  if (stat === undefined) return undefined;
  const entry = lstatSync(folder);
  if (!isOwn(entry) && entry.uid !== 0) return 'belongs to another user';
  // The system's temporary folder may have a socket too: there only its owner can replace it.
  const isOpen = (stat.mode & WRITABLE_BY_ALL) !== 0 && (stat.mode & STICKY) === 0;
  return stat.uid === 0 && !isOpen ? undefined : whyForeign(stat);
}

/**
 * The one test before a connection to a socket: it belongs to this user, and so does the target of a link.
 * @throws MamError `refused` with the reason; nothing for what is missing or not a socket, which the connection will show
 */
function checkOwnSocket(path: string, remedy: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  const target = entry?.isSymbolicLink() === true ? statSync(path, { throwIfNoEntry: false }) : entry;
  const foreign = [entry, target].find((stat) => stat !== undefined && !isOwn(stat));
  if (foreign === undefined) return;
  throw new MamError('refused', `The socket ${path} belongs to another user (uid ${foreign.uid}).`, remedy);
}
