import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { lstat, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeDurable } from '../../base/durable.ts';
import { systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import { hasTexts, parseJson } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import type { Claim } from '../../job/claim.ts';

/** Where an event waits on disk for the hub. */
export interface OutboxFile {
  file: string;
  writer: string;
  /** Higher for an event that was kept later, whichever process kept it. */
  order: number;
  /** Absent if the file's name does not include it. */
  jobId?: string | undefined;
}

const NAME = /^([a-z0-9-]{1,64}?)(?:\.([a-z0-9-]{1,64}))?-(\d{9})\.json$/;
const ORDER_DIGITS = 9;
const POLL_MS = 2000;

/** The outbox folder of a MAM_HOME. */
export function outboxFolder(home: string): string {
  return join(home, 'outbox');
}

/** The file for a writer's event about a job. */
export function outboxFile(folder: string, writer: string, order: number, jobId: string): string {
  const job = isJobId(jobId) ? `.${jobId}` : '';
  return join(folder, `${writer}${job}-${String(order).padStart(ORDER_DIGITS, '0')}.json`);
}

/**
 * Keeps an event on disk until the hub has it, ordered after all events already kept there. Each writer must await one
 * call before the next.
 * @param writer `[a-z0-9-]{1,64}`
 * @returns the file, on disk when this resolves
 * @throws the system's error when it could not be written
 */
export async function keepInOutbox(folder: string, writer: string, claim: Claim): Promise<string> {
  makeFolder(folder);
  // A count is more reliable across processes than any clock: an event that is no longer there is in a journal.
  const file = outboxFile(folder, writer, lastOrder(await filesIn(folder)) + 1, claim.job_id);
  await writeDurable(file, JSON.stringify(claim));
  await syncFolder(folder);
  return file;
}

/** The files of an outbox, in the order in which they were kept. @throws the system's error */
export async function listOutbox(folder: string): Promise<OutboxFile[]> {
  // A listing may miss a file that appeared while it ran and still show a later one. A second listing has every file
  // that existed before the last one of the first.
  const first = await filesIn(folder);
  if (first.length === 0) return [];
  const last = lastOrder(first);
  return (await filesIn(folder))
    .filter(({ order }) => order <= last)
    .sort((a, b) => a.order - b.order || (a.file < b.file ? -1 : 1));
}

/** True if the outbox has an event about this job, judging by the file names. */
export function hasKept(folder: string, jobId: string): boolean {
  return orElse(() => readdirSync(folder).some((name) => NAME.exec(name)?.[2] === jobId), false);
}

/** Removes an event that is in the journal (or refused with an answer), if it is still there. */
export async function removeOutboxEntry({ file }: { file: string }): Promise<void> {
  await rm(file, { force: true });
}

/**
 * Calls `onChange` when the outbox may have something new: now, on each event of fs.watch, which can drop events or be
 * unavailable, and every 2 s in any case. Does not keep the process alive.
 * @returns a function that stops it
 */
export function watchOutbox(folder: string, onChange: () => void): () => void {
  let watcher: FSWatcher | undefined;
  let watched: number | undefined;
  const look = (): void => {
    try {
      if (watched === undefined) makeFolder(folder);
      // The folder may have been removed and made again.
      const { ino } = statSync(folder);
      if (ino !== watched) {
        watcher?.close();
        watcher = watch(folder, { persistent: false }, (_event, name) => {
          if (name === null || NAME.test(name)) onChange();
        });
        watcher.on('error', () => watcher?.close());
        watched = ino;
      }
    } catch {
      // The poll is the guarantee.
    }
    onChange();
  };
  const poll = setInterval(look, POLL_MS).unref();
  look();
  return () => {
    clearInterval(poll);
    watcher?.close();
  };
}

async function filesIn(folder: string): Promise<OutboxFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((name) => {
    const [, writer, jobId, order] = NAME.exec(name) ?? [];
    return writer === undefined ? [] : [{ file: join(folder, name), writer, jobId, order: Number(order) }];
  });
}

function lastOrder(files: OutboxFile[]): number {
  return files.reduce((most, { order }) => Math.max(most, order), 0);
}

/**
 * The event in such a file; nothing if it is gone, or is not an event and was therefore renamed to `<name>.bad`.
 * @throws the system's error if it can't be read now
 */
export async function readOutboxClaim(file: string): Promise<Claim | undefined> {
  let text: string;
  try {
    // Reading a folder or a pipe of that name would fail or hang.
    const isPlain = (await lstat(file)).isFile();
    text = isPlain ? await readFile(file, 'utf8') : '';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const claim = parseJson(text);
  // The hub checks the rest, and answers as it would answer any publisher.
  if (hasTexts(claim, ['event_id', 'job_id', 'type'])) return claim as Claim;
  await rename(file, `${file}.bad`).catch(() => {});
  return undefined;
}
