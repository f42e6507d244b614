import { lstatSync, rmSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { namesIn } from './folders.ts';

/** The names of files that are being written. */
const UNFINISHED = /^\..+\.tmp$/;
/** Nobody writes so long at a file (ms): an older one was left by a process that was killed. */
const DAY_MS = 86_400_000;

/**
 * Writes a private file (0600) that is there whole or not at all, also after a crash: temporary file, fsync, rename.
 * The rename itself is on disk only after `syncFolder`.
 */
export async function writeDurable(path: string, text: string): Promise<void> {
  await writeWhole(path, text, { temporary: join(dirname(path), `.${basename(path)}.tmp`), flags: 'w' });
}

/**
 * Writes a private file (0600) whole or not at all: a temporary file in the same folder, then a rename.
 * @param flags how the temporary file is opened
 * @param flush false for what need not outlive a crash of the machine
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

/** Puts the names in a folder on disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what processes that were killed were writing into a folder: nobody was told that it is there. */
export function sweepUnfinished(folder: string): void {
  for (const name of namesIn(folder).filter((one) => UNFINISHED.test(one)))
    if (isDayOld(join(folder, name))) rmSync(join(folder, name), { force: true });
}

/** True for a file that was last changed more than a day ago. */
export function isDayOld(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && Date.now() - stat.mtimeMs > DAY_MS;
}
