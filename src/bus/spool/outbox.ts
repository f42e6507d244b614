import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { lstat, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeDurable } from '../../base/durable.ts';
import { systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import { parseObject } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import type { Claim } from '../../job/claim.ts';

/** Where an event waits on disk for the hub. */
export interface OutboxFile {
  file: string;
  writer: string;
  /** An event that was kept after another one was there has a higher number, whoever kept them. */
  order: number;
  /** Absent where the file's name does not tell. */
  jobId?: string | undefined;
}

/** One event that waits on disk for the hub. */
export interface OutboxEntry extends OutboxFile {
  claim: Claim;
}

const NAME = /^([a-z0-9-]{1,64}?)(?:\.([a-z0-9-]{1,64}))?-(\d{9})\.json$/;
const ORDER_DIGITS = 9;
const POLL_MS = 2000;

/** The outbox folder of a MAM_HOME. */
export function outboxFolder(home: string): string {
  return join(home, 'outbox');
}

/** Where a writer's event of a job with this number lies. */
export function outboxFile(folder: string, writer: string, order: number, jobId: string): string {
  const job = isJobId(jobId) ? `.${jobId}` : '';
  return join(folder, `${writer}${job}-${String(order).padStart(ORDER_DIGITS, '0')}.json`);
}

/**
 * Keeps an event on disk until the hub has it, behind all that are kept there. Call for one writer in its order, each
 * after the one before.
 * @param writer `[a-z0-9-]{1,64}`
 * @returns the file; it is on disk when this resolves
 * @throws the system's error when it could not be written
 */
export async function keepInOutbox(folder: string, writer: string, claim: Claim): Promise<string> {
  makeFolder(folder);
  // No clock tells the order of processes as surely: what is not there any more is in a journal.
  const newest = parseNames(await names(folder)).reduce((most, { order }) => Math.max(most, order), 0);
  const file = outboxFile(folder, writer, newest + 1, claim.job_id);
  await writeDurable(file, JSON.stringify(claim));
  await syncFolder(folder);
  return file;
}

/**
 * All events of an outbox, in the order in which they were kept. A file that holds no claim is moved aside to `<name>.bad`.
 * An entry stays until `removeOutboxEntry`.
 */
export async function readOutbox(folder: string): Promise<OutboxEntry[]> {
  const entries: OutboxEntry[] = [];
  for (const entry of await listOutbox(folder)) {
    const claim = await readOutboxClaim(entry.file);
    if (claim !== undefined) entries.push({ ...entry, claim });
  }
  return entries;
}

/** The files of an outbox, in the order in which they were kept. @throws the system's error */
export async function listOutbox(folder: string): Promise<OutboxFile[]> {
  const found = await listNames(folder);
  return found.map(({ name, ...more }) => ({ file: join(folder, name), ...more }));
}

/** True when the outbox has an event of this job, by the names of its files. */
export function hasKept(folder: string, jobId: string): boolean {
  return orElse(() => readdirSync(folder).some((name) => NAME.exec(name)?.[2] === jobId), false);
}

/** Removes an entry that is in the journal (or refused with an answer); one that is gone already is fine. */
export async function removeOutboxEntry(entry: { file: string }): Promise<void> {
  try {
    await unlink(entry.file);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Calls `onChange` when something may have come into the outbox: now, at once by fs.watch, which can drop events or be
 * unavailable, and every 2 s whatever happens. Keeps no process alive.
 * @returns a function that ends it
 */
export function watchOutbox(folder: string, onChange: () => void): () => void {
  let watcher: FSWatcher | undefined;
  let watched: number | undefined;
  const look = (): void => {
    try {
      if (watched === undefined) makeFolder(folder);
      // Somebody may have removed it, and another one was made.
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

interface Name extends Omit<OutboxFile, 'file'> {
  name: string;
}

async function listNames(folder: string): Promise<Name[]> {
  // A listing may miss a file that appeared while it ran and yet show a later one. A second listing has every
  // file that was there before the last one of the first.
  const first = parseNames(await names(folder));
  if (first.length === 0) return [];
  const last = first.reduce((most, { order }) => Math.max(most, order), 0);
  const second = parseNames(await names(folder));
  return second
    .filter(({ order }) => order <= last)
    .sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}

function parseNames(found: string[]): Name[] {
  return found.flatMap((name) => {
    const match = NAME.exec(name);
    return match?.[1] === undefined
      ? []
      : [{ name, writer: match[1], jobId: match[2], order: Number(match[3]) }];
  });
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The event in such a file; nothing when it is gone, or holds none: then it is moved aside to `<name>.bad`.
 * @throws the system's error when it can't be read now
 */
export async function readOutboxClaim(file: string): Promise<Claim | undefined> {
  let text: string;
  try {
    // A folder or a pipe of such a name would stop the draining, or hang it.
    const isPlain = (await lstat(file)).isFile();
    text = isPlain ? await readFile(file, 'utf8') : '';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const claim = parseClaim(text);
  if (claim === undefined) await rename(file, `${file}.bad`).catch(() => {});
  return claim;
}

/** Only what makes it a claim at all: the hub checks the rest, and answers a bad field as it would any publisher. */
function parseClaim(text: string): Claim | undefined {
  const claim = parseObject(text);
  const names = [claim['event_id'], claim['job_id'], claim['type']];
  return names.every((name) => typeof name === 'string') ? (claim as Claim) : undefined;
}
