import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { orElse } from './or-else.ts';

/** How many links are followed in a row, as on Linux. */
const MOST_LINKS = 40;

/**
 * The real path behind a path, with links resolved: each folder has exactly one. What does not exist yet keeps its name
 * below the nearest folder that exists, also behind a link.
 * @param path absolute
 */
export function realPlace(path: string): string {
  let links = 0;
  for (let there = path, rest = ''; ; ) {
    try {
      // The native version also restores a name's actual case where the system ignores case.
      return join(realpathSync.native(there), rest);
    } catch {
      const target = links++ < MOST_LINKS ? targetOf(there) : undefined;
      if (target === undefined && there === dirname(there)) return path;
      if (target === undefined) rest = join(basename(there), rest);
      there = target ?? dirname(there);
    }
  }
}

/** The target of a link, which may not exist; nothing for what is not a link. */
function targetOf(path: string): string | undefined {
  return orElse(() => resolve(realpathSync.native(dirname(path)), readlinkSync(path)), undefined);
}

/** The folder itself, or its nearest parent that exists. @param path absolute */
export function nearestThere(path: string): string {
  let folder = path;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** True for one folder or file under two names: links, mounts, and names that differ only in case. */
export function isSamePlace(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((path) => orElse(() => statSync(path), undefined));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
