import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * True if a file, or anything below a folder, was written, made or removed after a time. What can't be read counts as
 * changed.
 * @param path absolute; a link is not followed
 * @param time in ms since 1970
 */
export async function changedSince(path: string, time: number): Promise<boolean> {
  try {
    // Unlike the time of the last write, nobody can set this one back.
    const isNew = ({ ctimeMs }: Stats) => ctimeMs > time;
    const stat = await lstat(path);
    if (isNew(stat)) return true;
    if (!stat.isDirectory()) return false;
    for (const name of await readdir(path)) if (await changedSince(join(path, name), time)) return true;
    return false;
  } catch {
    return true;
  }
}
