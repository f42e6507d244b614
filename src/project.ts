import { lstatSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { readForeign } from './trust/files.ts';
import { isOwn, isOwnFolder } from './trust/owner.ts';

/** Name of the project's folder. */
export const PROJECT_FOLDER = '.mam';

/**
 * The project's `.mam` folder for a working directory: found upwards (never `home` itself, nothing above `userHome`,
 * nothing of another user, no link), else in the main worktree of the git repository, else in the directory itself. It
 * need not exist yet.
 */
export function findProjectFolder(cwd: string, home: string, userHome: string): string {
  const start = resolve(cwd);
  for (const folder of upwards(start, userHome)) {
    const candidate = join(folder, PROJECT_FOLDER);
    if (candidate !== home && isOwnFolder(candidate)) return candidate;
  }
  const place = join(mainWorktree(start) ?? start, PROJECT_FOLDER);
  // Only with the working directory `$HOME` itself would the project folder be MAM_HOME: keep the two apart.
  return place === home ? join(home, 'project') : place;
}

function* upwards(start: string, userHome: string): Generator<string> {
  const inside = start === userHome || start.startsWith(userHome + sep);
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder) || (inside && folder === userHome)) return;
  }
}

/**
 * The main worktree of the repository that holds `start`; linked worktrees name it in their `commondir`. Only a
 * repository of this user's counts: one of another user in a shared folder above must not catch our jobs.
 */
function mainWorktree(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    const stat = lstatSync(git, { throwIfNoEntry: false });
    if (stat !== undefined) {
      if (!isOwn(stat)) return undefined;
      return stat.isFile() ? (mainOf(git) ?? folder) : folder;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * The main worktree of a linked one, by its `.git` file. Both must name each other, as git writes it: a file alone,
 * from an unpacked archive say, could name any folder. A submodule has no `commondir`: it is a repository of its own.
 */
function mainOf(gitFile: string): string | undefined {
  const gitdir = /^gitdir: (.+)$/m.exec(textOf(gitFile))?.[1];
  if (gitdir === undefined) return undefined;
  const own = resolve(dirname(gitFile), gitdir);
  const commondir = textOf(join(own, 'commondir')).trim();
  if (commondir === '') return undefined;
  const common = resolve(own, commondir);
  const back = resolve(own, textOf(join(own, 'gitdir')).trim());
  const isMutual = back === gitFile && dirname(dirname(own)) === common && isOwnFolder(common);
  return isMutual ? dirname(common) : undefined;
}

/** A small file's text; empty where there is none that can be read. */
function textOf(path: string): string {
  try {
    return readForeign(path);
  } catch {
    return '';
  }
}
