import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MamError } from '../base/errors.ts';

/** The write bits of the group and of all others. */
const WRITABLE_BY_OTHERS = 0o022;
export const WRITABLE_BY_ALL = 0o002;
export const STICKY = 0o1000;
/** The uid that the kernel shows for a user that a namespace does not map. */
const NO_USER = 65_534;

/**
 * Why something does not belong to this user alone, as the end of a sentence ("belongs to another user"); nothing if it
 * does. Root counts as another user too: only the user who runs this program is trusted.
 */
export function whyForeign(stat: Stats): string | undefined {
  // A system without users has nothing to check.
  if (process.getuid === undefined) return undefined;
  if (!isOwn(stat)) return `belongs to another user (uid ${stat.uid})`;
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0)
    return `can be written by other users (mode ${(stat.mode & 0o777).toString(8)})`;
  return undefined;
}

/** True for a folder, not a link to one, that belongs to this user, whatever its mode. */
export function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && isOwn(stat);
}

/** True for a plain file, not a link to one, that belongs to this user. */
export function isOwnFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && isOwn(stat);
}

/** True for what belongs to this user. */
export function isOwn(stat: Stats): boolean {
  return process.getuid === undefined || stat.uid === process.getuid();
}

/**
 * The only check for a folder whose content is obeyed: it is a real folder, or this user's link to one, it belongs to
 * this user, and nobody else can write to it or replace it.
 * @param path absolute
 * @param remedy what to do about it, as a sentence
 * @throws MamError `refused` with the reason; the system's error if nothing is there
 */
export function checkOwnFolder(path: string, remedy: string): void {
  const entry = lstatSync(path);
  const refusal = (why: string): MamError => new MamError('refused', `The folder ${path} ${why}.`, remedy);
  if (entry.isSymbolicLink() && !isOwn(entry)) throw refusal('is a link of another user');
  const stat = entry.isSymbolicLink() ? statSync(path) : entry;
  if (!stat.isDirectory()) throw refusal('is not a folder');
  const why = whyForeign(stat);
  if (why !== undefined) throw refusal(why);
  // A link, even in the middle of the path, can be replaced in two places: where it is, and where it leads.
  for (const folder of new Set([...above(path), ...above(realpathSync(path))])) {
    const { mode, uid } = statSync(folder);
    if (isStrangers(uid)) throw refusal(`is in ${folder}, where another user (uid ${uid}) can replace it`);
    // In a sticky folder, such as a shared temporary one, only the owner of an entry can rename it.
    if ((mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0)
      throw refusal(`is in ${folder}, where every user can replace it`);
  }
}

/** Root can do anything anyway; in a sandbox's namespace, root's folders have the id of no user. */
function isStrangers(uid: number): boolean {
  // On Android the folders above an app's own belong to the system, which is not root there.
  if (process.getuid === undefined || process.platform === 'android') return false;
  return ![process.getuid(), 0, NO_USER].includes(uid);
}

/** The folders above a path, nearest first. */
function above(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...above(parent)];
}
