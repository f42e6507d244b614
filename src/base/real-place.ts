import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { orElse } from './or-else.ts';

/** So many links lead on from one another at most, as with Linux. */
const MOST_LINKS = 40;

/**
 * Where a path really leads, links resolved: one folder has one such path. What is not there yet keeps its name below
 * the nearest folder that is, also behind a link.
 * @param path absolute
 */
export function realPlace(path: string): string {
  let links = 0;
  for (let there = path, rest = ''; ; ) {
    try {
      // The native one also knows how the system writes the name, where upper and lower case are the same.
      return join(realpathSync.native(there), rest);
    } catch {
      const target = links++ < MOST_LINKS ? targetOf(there) : undefined;
      if (target === undefined && there === dirname(there)) return path;
      if (target === undefined) rest = join(basename(there), rest);
      there = target ?? dirname(there);
    }
  }
}

/** Where a link leads to, which may not be there now; nothing for what is no link. */
function targetOf(path: string): string | undefined {
  return orElse(() => resolve(realpathSync.native(dirname(path)), readlinkSync(path)), undefined);
}

/** The folder itself, or the nearest above it that is there. @param path absolute */
export function nearestThere(path: string): string {
  let folder = path;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** True for one folder or file under two names: links, mounts, and names that differ in their case alone. */
export function isSamePlace(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((path) => orElse(() => statSync(path), undefined));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
