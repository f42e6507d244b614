import { lstatSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { realPlace } from '../base/real-place.ts';
import { readForeign } from '../trust/files.ts';
import { isOwn, isOwnFolder } from '../trust/owner.ts';

/**
 * The folder that represents the git repository around `start`, the same for all of its worktrees: the main one, or else
 * the bare repository itself. Only this user's repositories count: another user's in a shared folder above must not
 * catch our jobs.
 * @param start absolute, links resolved
 */
export function repositoryOf(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    const stat = lstatSync(git, { throwIfNoEntry: false });
    if (stat !== undefined) {
      if (!isOwn(stat)) return undefined;
      return stat.isFile() ? (homeOfLinked(git) ?? folder) : folder;
    }
    const bare = isBare(folder) ? homeOf(folder) : undefined;
    if (bare !== undefined) return bare;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * The repository of a linked worktree, by its `.git` file. Both must name each other, as git writes it: a file alone,
 * for instance from an unpacked archive, could name any folder. A submodule has no `commondir`: it is a repository of
 * its own.
 */
function homeOfLinked(gitFile: string): string | undefined {
  const own = gitdirOf(gitFile);
  if (own === undefined) return undefined;
  const commondir = textOf(join(own, 'commondir')).trim();
  if (commondir === '') return undefined;
  const common = realPlace(resolve(own, commondir));
  const back = realPlace(resolve(own, textOf(join(own, 'gitdir')).trim()));
  const isMutual = back === realPlace(gitFile) && dirname(dirname(realPlace(own))) === common;
  return isMutual && isOwnFolder(common) ? homeOf(common) : undefined;
}

/** The folder of a repository. @param common what its worktrees share */
function homeOf(common: string): string | undefined {
  const parent = dirname(common);
  // The usual place, even if it is bare with its worktrees next to it; or a `.git` file there leads to it.
  if (basename(common) === '.git' || leadsTo(join(parent, '.git'), common)) return parent;
  // A submodule's is in the `.git` of the repository around it, and names its worktree.
  const worktree = /^\s*worktree\s*=\s*"?(.+?)"?\s*$/m.exec(textOf(join(common, 'config')))?.[1];
  const main = worktree === undefined ? undefined : realPlace(resolve(common, worktree));
  if (main !== undefined && leadsTo(join(main, '.git'), common)) return main;
  // A bare one has no main worktree, and its parent may hold others: it represents itself, unless in another's `.git`.
  return common.split('/').includes('.git') ? undefined : common;
}

/** True if a `.git` file of this user's names this repository. */
function leadsTo(gitFile: string, common: string): boolean {
  const stat = lstatSync(gitFile, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || !isOwn(stat)) return false;
  const named = gitdirOf(gitFile);
  return named !== undefined && realPlace(named) === common;
}

/** True for a git repository without a worktree, judged as git does. */
function isBare(folder: string): boolean {
  const has = (name: string) => lstatSync(join(folder, name), { throwIfNoEntry: false });
  return (
    has('HEAD')?.isFile() === true &&
    has('refs')?.isDirectory() === true &&
    has('objects')?.isDirectory() === true &&
    isOwnFolder(folder)
  );
}

function gitdirOf(gitFile: string): string | undefined {
  const named = /^gitdir: (.+)$/m.exec(textOf(gitFile))?.[1];
  return named === undefined ? undefined : resolve(dirname(gitFile), named);
}

/** A small file's text; empty if it can't be read. */
function textOf(path: string): string {
  return orElse(() => readForeign(path), '');
}
