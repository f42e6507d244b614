import { existsSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Where a path really leads, links resolved: one folder has one such path. What is not there yet keeps its name below
 * the nearest folder that is.
 * @param path absolute
 */
export function realPlace(path: string): string {
  for (let there = path, rest = ''; ; rest = join(basename(there), rest), there = dirname(there)) {
    try {
      // The native one also knows how the system writes the name, where upper and lower case are the same.
      return join(realpathSync.native(there), rest);
    } catch {
      if (there === dirname(there)) return path;
    }
  }
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
  const [a, b] = [look(one), look(other)];
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
