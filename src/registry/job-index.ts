import { closeSync, constants, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isJobId } from '../base/ids.ts';
import { historyOf } from '../job/history.ts';
import type { Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import { isFinal, type Status } from '../job/words.ts';
import { openOwn } from '../trust/files.ts';
import { writeDerived } from './files.ts';
import type { FoldedJob } from './fold.ts';
import { foldProven } from './history.ts';
import { type IndexRow, readRows, rowFromRecord, type Sources, signerOf, toIndexRow } from './index-row.ts';
import { presentMark } from './mark.ts';
import { byTime, type Moment, OrderedRows } from './ordered-rows.ts';
import { OwnPlace } from './own-place.ts';
import { hasJob, jobPaths, journalPath } from './paths.ts';
import type { Seal } from './seal.ts';

/** How long changed rows are collected before they are written, in ms: the file only saves the next hub work. */
const WRITE_DELAY_MS = 200;
/** Folders handled between two turns of the event loop, some ms each: of all folders, and of those that are read. */
const STEP = 2_000;
const FOLDER_STEP = 50;

/**
 * The jobs of one registry in the order in which they were made, so that a page of them needs no disk access. Derived:
 * a row of `.index.jsonl` is made again from the job's folder if it is missing, if it was not written by a hub of this
 * home, or if the job's journal has changed since.
 */
export class JobIndex {
  readonly #path: string;
  readonly #ground: OwnPlace;
  readonly #seal: Seal | undefined;
  #rows = new OrderedRows();
  readonly #keys = new Map<string, string>();
  #changed = new Map<string, IndexRow>();
  #writing: NodeJS.Timeout | undefined;
  #rewriting: Promise<void> | undefined;
  /** Jobs whose `job.json` does not match their journal. */
  readonly behind: string[] = [];
  readonly #mayWrite: () => void;

  private constructor(registryDir: string, seal: Seal | undefined, mayWrite: () => void) {
    this.#seal = seal;
    this.#mayWrite = mayWrite;
    this.#path = join(registryDir, '.index.jsonl');
    this.#ground = new OwnPlace(registryDir);
  }

  /**
   * Reads the index and looks for folders that it lacks, in small steps that leave the event loop free in between: half
   * a second with 100,000 jobs, once in a hub's life.
   * @param seal what it does not prove is history; absent if no hub has run yet
   * @param mayWrite throws before a write that must not happen; absent: nothing is written, as by anyone but the hub
   */
  static async load(registryDir: string, seal: Seal | undefined, mayWrite?: () => void): Promise<JobIndex> {
    const index = new JobIndex(registryDir, seal, mayWrite ?? (() => {}));
    const writes = mayWrite !== undefined;
    if (writes) index.#ground.check();
    const { known, lines } = await readRows(index.#path, seal);
    const rows: IndexRow[] = [];
    let made = 0;
    for (const [count, name] of (await readdir(registryDir)).entries()) {
      if (count % STEP === 0) await nextTurn();
      if (!isJobId(name)) continue;
      const row = known.get(name);
      // A hub looks into the folders of open jobs: something may be left to do for them.
      const mayBeKnown = row !== undefined && (!writes || isFinal(row.status as Status));
      if (mayBeKnown && isPresent(registryDir, row)) {
        rows.push(row);
        continue;
      }
      const fresh = index.#rowFromFolder(registryDir, name);
      if (fresh !== undefined) rows.push(fresh);
      if (fresh !== undefined && JSON.stringify(fresh) !== JSON.stringify(row))
        index.#changed.set(name, fresh);
      if (++made % FOLDER_STEP === 0) await nextTurn();
    }
    rows.sort(byTime);
    for (const row of rows) index.#place(row);
    if (writes) index.#catchUp(rows, lines);
    return index;
  }

  /** Updates the file to what was found: appends lines, or rewrites it if most of it is missing or outdated. */
  #catchUp(rows: IndexRow[], lines: number): void {
    if (2 * this.#changed.size > rows.length || lines > 2 * rows.length) {
      this.#changed = new Map();
      this.#rewriting = this.#rewrite(rows);
    } else if (this.#changed.size > 0) void this.write();
  }

  #rowFromFolder(registryDir: string, jobId: string): IndexRow | undefined {
    const seal = this.#seal;
    // A job whose journal is gone is listed as far as its record proves it.
    if (!hasJob(registryDir, jobId)) return seal && rowFromRecord(registryDir, jobId, seal);
    try {
      const { folded, isProven } = foldProven(registryDir, jobId, seal);
      if (isProven && !folded.isWritten) this.behind.push(jobId);
      const row = toIndexRow(folded.record, sourcesOf(folded));
      // An unproven job came with a clone, or from another home: nobody's key leads to it.
      return isProven ? row : { ...historyOf(row), request_key: undefined };
    } catch {
      // An unreadable journal is reported when someone asks for that job.
      return seal && rowFromRecord(registryDir, jobId, seal);
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  /** How many of the jobs need attention. */
  get needYou(): number {
    return this.#rows.needYou;
  }

  /** The job that a client session made with this key, or an earlier one in its pane, if there is one. */
  findByKey({ session, place }: Owner, key: string): string | undefined {
    return this.#keys.get(keyOf(session, key)) ?? (place && this.#keys.get(keyOf(place, key)));
  }

  /** Updates a job's row to its current state. @param sources the states of the files that say so */
  put(record: JobRecord, sources: Sources): void {
    const row = toIndexRow(record, sources);
    this.#place(row);
    this.#changed.set(row.job_id, row);
    this.#writing ??= setTimeout(() => void this.write(), WRITE_DELAY_MS).unref();
  }

  has(jobId: string): boolean {
    return this.#rows.has(jobId);
  }

  /** As `OrderedRows`: the jobs in the order in which they were made, and as people see them. */
  inOrder(behind?: Moment): Generator<JobRow> {
    return this.#rows.inOrder(behind);
  }

  newest(limit: number): JobRow[] {
    return this.#rows.newest(limit);
  }

  page(...query: Parameters<OrderedRows['page']>): ReturnType<OrderedRows['page']> {
    return this.#rows.page(...query);
  }

  /** Forgets jobs whose folders are gone; the file's lines about them no longer count. */
  remove(jobIds: ReadonlySet<string>): void {
    const rows = this.#rows;
    this.#rows = new OrderedRows();
    this.#keys.clear();
    for (const row of rows) if (!jobIds.has(row.job_id)) this.#place(row);
    for (const id of jobIds) this.#changed.delete(id);
  }

  /** Writes what has changed. */
  async write(): Promise<void> {
    clearTimeout(this.#writing);
    await this.#rewriting;
    this.#writing = undefined;
    const lines = [...this.#changed.values()].map((row) => this.#lineOf(row)).join('');
    this.#changed = new Map();
    if (lines !== '') this.#append(lines);
  }

  #append(lines: string): void {
    try {
      this.#mayWrite();
      this.#ground.check();
      const file = openOwn(this.#path, constants.O_APPEND);
      try {
        writeSync(file, lines);
      } finally {
        closeSync(file);
      }
    } catch {
      // The next hub derives it again from the job folders.
    }
  }

  #place(row: IndexRow): void {
    // The sessions of another host are not ours, whatever they are called.
    if (!this.#rows.put(row) || row.request_key === undefined || row.from !== undefined) return;
    this.#keys.set(keyOf(row.owner, row.request_key), row.job_id);
    if (row.place !== undefined) this.#keys.set(keyOf(row.place, row.request_key), row.job_id);
  }

  async #rewrite(rows: IndexRow[]): Promise<void> {
    const text = rows.map((row) => this.#lineOf(row)).join('');
    try {
      this.#mayWrite();
      await writeDerived(this.#path, text);
    } catch {
      // As in #append.
    }
  }

  #lineOf(row: IndexRow): string {
    const line = JSON.stringify(row);
    return `${this.#seal?.sign(signerOf(row), line) ?? line}\n`;
  }
}

/** True while the journal is in the state that the row was made from, or is missing for a row of an older version. */
function isPresent(registryDir: string, { job_id: id, journal, replica }: IndexRow): boolean {
  if (journal !== presentMark(journalPath(registryDir, id))) return false;
  return replica === undefined || replica === presentMark(jobPaths(registryDir, id).replica);
}

function sourcesOf({ mark, paths, replica }: FoldedJob): Sources {
  return { journal: mark, ...(replica && { replica: presentMark(paths.replica) }) };
}

function keyOf(owner: string, key: string): string {
  return JSON.stringify([owner, key]);
}
