import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { realPlace } from '../base/real-place.ts';

/**
 * The top folder of the git worktree around a folder, found without running git; undefined outside of one.
 * @param folder absolute; it may not exist yet
 */
export function worktreeAround(folder: string): string | undefined {
  return above(folder, (one) => isThere(join(one, '.git')));
}

/** True if git may find a repository around a folder, with or without a worktree: elsewhere it need not be run. */
export function mayBeInGit(folder: string): boolean {
  const isGits = (one: string) =>
    isThere(join(one, '.git')) || ['HEAD', 'objects', 'refs'].every((name) => isThere(join(one, name)));
  return above(folder, isGits) !== undefined;
}

function above(start: string, isIt: (folder: string) => boolean): string | undefined {
  for (let folder = realPlace(start); ; folder = dirname(folder)) {
    if (isIt(folder)) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function isThere(path: string): boolean {
  return orElse(() => lstatSync(path, { throwIfNoEntry: false }) !== undefined, false);
}
