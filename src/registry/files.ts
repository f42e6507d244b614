import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, rmSync, write } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeWhole } from '../base/durable.ts';
import { isOwnFile, isOwnFolder } from '../trust/owner.ts';

const writeFile = promisify(write);

/**
 * A temporary file next to the one that it will replace, in a job's folder or its `texts`. The pattern is strict
 * because others may have files with similar names in a project.
 */
export const JOB_NEIGHBOUR =
  /^(job\.json|replica\.json|screen\.txt|events\.jsonl|[0-9a-f]{64})\.[0-9a-f]{8}\.tmp$/;
/** The same for a registry's own folder. */
const REGISTRY_NEIGHBOUR = /^(\.index\.jsonl\.[0-9a-f]{8}\.tmp|\.hub\.owner\.[a-z0-9]{8}\.new)$/;

/**
 * Writes a file atomically: to a temporary file first, flushed to the disk, then renamed.
 * @throws the system's error; the old file stays as it was
 */
export async function writeDurably(path: string, text: string | Buffer): Promise<void> {
  await writeWhole(path, text, { temporary: neighbourOf(path), flags: 'wx' });
}

/** The same without the flush, for what can be derived again from the journal. */
export async function writeDerived(path: string, text: string): Promise<void> {
  await writeWhole(path, text, { temporary: neighbourOf(path), flags: 'wx', flush: false });
}

/** Writes a file in a folder that nobody knows yet, in one trip through the thread pool. @throws the system's error */
export async function writeNew(path: string, text: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
  // Creating the file is quick (40 µs); only what waits for the disk goes to the thread pool.
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

/** Removes unfinished files that a killed writer left in a job's folder. @throws the system's error */
export function sweepJob(folder: string): void {
  const texts = join(folder, 'texts');
  sweep(folder, readdirSync(folder), JOB_NEIGHBOUR);
  if (isOwnFolder(texts)) sweep(texts, readdirSync(texts), JOB_NEIGHBOUR);
}

/** The same in a registry's own folder, however many jobs it has. @throws the system's error */
export async function sweepRegistry(registryDir: string): Promise<void> {
  sweep(registryDir, await readdir(registryDir), REGISTRY_NEIGHBOUR);
}

/** Only plain files of ours with our names: a peer may have put anything there. */
function sweep(folder: string, names: string[], ours: RegExp): void {
  for (const name of names) {
    const path = join(folder, name);
    if (ours.test(name) && isOwnFile(path)) rmSync(path, { force: true });
  }
}

function neighbourOf(path: string): string {
  return `${path}.${randomBytes(4).toString('hex')}.tmp`;
}
