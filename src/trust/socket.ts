import { existsSync, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { checkOwnFolder, isOwn, STICKY, WRITABLE_BY_ALL, whyForeign } from './owner.ts';

const HUB_REMEDY = 'Remove it if it is not yours, or set MAM_HOME to a folder that only you can write to.';
const TMUX_REMEDY = 'Set TMUX_TMPDIR to a folder that only you can write to, and start tmux there.';

/**
 * Checks that the hub's socket and its folder are this user's: whoever listens there gets every task.
 * @throws MamError `refused`; not for a missing socket, which the connection will report
 */
export function checkHubSocket(path: string): void {
  if (!existsSync(dirname(path))) return;
  checkOwnFolder(dirname(path), HUB_REMEDY);
  checkOwnSocket(path, HUB_REMEDY);
}

/**
 * Checks that a tmux server's socket is this user's: whoever listens there gets every order, and says what the panes
 * are. With `-S`, tmux itself does not check.
 * @throws MamError `refused`; not for a missing socket, which tmux will report
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
  const remedy = 'Set TMUX_TMPDIR to a folder that only you can write to, or unset it: tmux then uses /tmp.';
  return new MamError('io', `tmux cannot have a socket in ${folder}: ${why}.`, remedy, { cause: error });
}

/** Why a folder of sockets, or a link to one, is not safe. @throws MamError `io` if it can't be examined */
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
  // A socket may also be in the system's temporary folder, where only its owner can replace it.
  const isOpen = (stat.mode & WRITABLE_BY_ALL) !== 0 && (stat.mode & STICKY) === 0;
  return stat.uid === 0 && !isOpen ? undefined : whyForeign(stat);
}

/**
 * The only check before connecting to a socket: it belongs to this user, and so does the target of a link.
 * @throws MamError `refused` with the reason; not for what is missing or not a socket, which the connection will report
 */
function checkOwnSocket(path: string, remedy: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  const target = entry?.isSymbolicLink() === true ? statSync(path, { throwIfNoEntry: false }) : entry;
  const foreign = [entry, target].find((stat) => stat !== undefined && !isOwn(stat));
  if (foreign === undefined) return;
  throw new MamError('refused', `The socket ${path} belongs to another user (uid ${foreign.uid}).`, remedy);
}
