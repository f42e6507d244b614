import { lstatSync, rmSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { namesIn } from './folders.ts';

/** Names of files that are still being written. */
const UNFINISHED = /^\..+\.tmp$/;
/** No write takes this long (ms): an older file was left by a process that was killed. */
const DAY_MS = 86_400_000;

/**
 * Writes a private file (0600) atomically, even across a crash: temporary file, fsync, rename. The rename itself is on
 * disk only after `syncFolder`.
 */
export async function writeDurable(path: string, text: string): Promise<void> {
  await writeWhole(path, text, { temporary: join(dirname(path), `.${basename(path)}.tmp`), flags: 'w' });
}

/**
 * Writes a private file (0600) atomically: a temporary file in the same folder, then a rename.
 * @param flags how the temporary file is opened
 * @param flush false for content that need not survive a crash of the machine
 * @throws the system's error; the old file stays as it was
 */
export async function writeWhole(
  path: string,
  text: string | Buffer,
  { temporary, flags, flush = true }: { temporary: string; flags: 'w' | 'wx'; flush?: boolean },
): Promise<void> {
  try {
    const file = await open(temporary, flags, 0o600);
    try {
      await file.writeFile(text);
      if (flush) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** Flushes a folder's entries to disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes unfinished files that killed processes left in a folder. Nobody was told that they exist. */
export function sweepUnfinished(folder: string): void {
  for (const name of namesIn(folder).filter((one) => UNFINISHED.test(one)))
    if (isDayOld(join(folder, name))) rmSync(join(folder, name), { force: true });
}

/** True for a file that was last changed more than a day ago. */
export function isDayOld(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && Date.now() - stat.mtimeMs > DAY_MS;
}
