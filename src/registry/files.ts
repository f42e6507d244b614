import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, rmSync, write } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const writeFile = promisify(write);

/** A file that is being written, beside the one it shall become. */
export const NEIGHBOUR = /\.[0-9a-f]{8}\.tmp$/;

/**
 * Writes a file whole or not at all: to a neighbour first, flushed to the disk, then renamed.
 * @throws the system's error; the old file stays as it was
 */
export async function writeDurably(path: string, text: string | Buffer): Promise<void> {
  await writeWhole(path, text, true);
}

/** The same without the flush, for what can be made again from the journal. */
export async function writeDerived(path: string, text: string): Promise<void> {
  await writeWhole(path, text, false);
}

/**
 * Writes a file in a folder that nobody knows yet; its write returns when it is on the disk, in one trip through the
 * thread pool. @throws the system's error
 */
export async function writeNew(path: string, text: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
  // Making the file is quick (40 µs); only what waits for the disk goes to the thread pool.
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_DSYNC, 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) {
      done += (await writeFile(fd, bytes, done, bytes.length - done, null)).bytesWritten;
    }
  } finally {
    closeSync(fd);
  }
}

/** Removes what a writer that was killed has left unfinished in a folder. */
export function sweepNeighbours(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (NEIGHBOUR.test(name)) rmSync(join(folder, name), { force: true });
  }
}

async function writeWhole(path: string, text: string | Buffer, flush: boolean): Promise<void> {
  const neighbour = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(neighbour, 'wx', 0o600);
    try {
      await file.writeFile(text);
      if (flush) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(neighbour, path);
  } catch (error) {
    await unlink(neighbour).catch(() => {});
    throw error;
  }
}
