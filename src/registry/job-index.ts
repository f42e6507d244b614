import { closeSync, constants, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MamError } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { cleanLine } from '../base/text.ts';
import { historyOf } from '../job/history.ts';
import { isOwner, type Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import { lastWords, standingOf } from '../job/standing.ts';
import { owesWake } from '../job/wake.ts';
import { isFinal, STATUSES, type Status } from '../job/words.ts';
import { openOwn, readForeign } from '../trust/files.ts';
import { writeDerived } from './files.ts';
import { foldJob } from './fold.ts';
import { foldProven } from './history.ts';
import { type Mark, presentMark } from './mark.ts';
import { OwnPlace } from './own-place.ts';
import { hasJob, jobPaths, journalPath } from './paths.ts';
import { readRecord } from './record-file.ts';
import type { Seal } from './seal.ts';

/** A row with the session that `mine` compares, and that session's key for the job. */
interface IndexRow extends JobRow {
  owner: string;
  /** The owner's pane. */
  place?: string | undefined;
  request_key?: string | undefined;
  /** Its supervisor has asked to be told how it stands, and has not been. */
  untold?: boolean | undefined;
  /** The state of the journal that it was made of. */
  journal?: Mark | undefined;
}

/** How long changed rows gather before they are written, in ms: the file only saves the next hub work. */
const WRITE_DELAY_MS = 200;
const DETAIL_CHARS = 200;
/** A million jobs have an index of this size, in bytes. */
const MAX_BYTES = 512 * 1024 * 1024;
/** Rows between two turns of the event loop, some ms each: from the index file, and from folders. */
const STEP = 2_000;
const FOLDER_STEP = 50;

/** A row of a list from a job's record. */
export function toRow(record: JobRecord): JobRow {
  const words = lastWords(record);
  return {
    job_id: record.job_id,
    agent: record.agent,
    ...standingOf(record),
    prompt_preview: record.prompt_preview,
    detail: words === undefined ? undefined : cleanLine(words, DETAIL_CHARS),
    session: record.agent_session?.session,
    pane: record.agent_session?.pane,
    created_at: record.created_at,
    final_at: record.final_at,
  };
}

export interface ListFilter {
  status?: string | undefined;
  agent?: string | undefined;
  /** Only the jobs of this client session, and of the pane that it lives in. */
  session?: string | undefined;
  place?: string | undefined;
  open_only?: boolean | undefined;
  /** Only the jobs that need somebody. */
  needs_you?: boolean | undefined;
  /** Only those of which their supervisor is still to be told. */
  untold?: boolean | undefined;
  /** Only these jobs. */
  among?: ReadonlySet<string> | undefined;
}

/**
 * The jobs of one registry in the order of their making, so that a page of them costs no look at the disk. Derived:
 * `.index.jsonl` is made again from the job folders where it lacks any, or has a row that no hub of this home has written,
 * or whose journal is not in the state any more that it was made of.
 */
export class JobIndex {
  private readonly path: string;
  private readonly ground: OwnPlace;
  private readonly seal: Seal | undefined;
  private rows: IndexRow[] = [];
  private readonly places = new Map<string, number>();
  private readonly keys = new Map<string, string>();
  /** The jobs that need somebody. */
  private readonly needing = new Set<string>();
  private changed = new Map<string, IndexRow>();
  private writing: NodeJS.Timeout | undefined;
  private rewriting: Promise<void> | undefined;
  /** Jobs whose `job.json` does not say what their journal says. */
  readonly behind: string[] = [];

  private readonly mayWrite: () => void;

  private constructor(registryDir: string, seal: Seal | undefined, mayWrite: () => void) {
    this.seal = seal;
    this.mayWrite = mayWrite;
    this.path = join(registryDir, '.index.jsonl');
    this.ground = new OwnPlace(registryDir);
  }

  /**
   * Reads the index and looks for folders that it lacks, in small steps between which others are served: half a second
   * with 100,000 jobs, once in a hub's life.
   * @param seal what it does not prove is history; absent where no hub has run yet
   * @param mayWrite throws before a write that must not happen; absent for somebody who is not the hub: nothing is written
   */
  static async load(registryDir: string, seal: Seal | undefined, mayWrite?: () => void): Promise<JobIndex> {
    const index = new JobIndex(registryDir, seal, mayWrite ?? (() => {}));
    const writes = mayWrite !== undefined;
    if (writes) index.ground.check();
    const { known, lines } = await readRows(index.path, seal);
    const rows: IndexRow[] = [];
    let made = 0;
    for (const [count, name] of (await readdir(registryDir)).entries()) {
      if (count % STEP === 0) await nextTurn();
      if (!isJobId(name)) continue;
      const row = known.get(name);
      if (row && isFinal(row.status as Status) && isPresent(registryDir, row)) {
        rows.push(row);
        continue;
      }
      const fresh = index.rowFromFolder(registryDir, name);
      if (fresh !== undefined) rows.push(fresh);
      if (fresh !== undefined && !isSame(fresh, row)) index.changed.set(name, fresh);
      if (++made % FOLDER_STEP === 0) await nextTurn();
    }
    rows.sort((a, b) => compare(a.created_at, b.created_at) || compare(a.job_id, b.job_id));
    for (const row of rows) index.place(row);
    if (writes) index.catchUp(rows, lines);
    return index;
  }

  /** Brings the file up to what was found: by some lines, or anew where most of it is missing or outdated. */
  private catchUp(rows: IndexRow[], lines: number): void {
    if (2 * this.changed.size > rows.length || lines > 2 * rows.length) {
      this.changed = new Map();
      this.rewriting = this.rewrite(rows);
    } else if (this.changed.size > 0) void this.write();
  }

  private rowFromFolder(registryDir: string, jobId: string): IndexRow | undefined {
    const { seal } = this;
    // One whose journal is gone is listed as far as its record proves it.
    if (!hasJob(registryDir, jobId)) return seal && rowFromRecord(registryDir, jobId, seal);
    try {
      const { folded, isProven } =
        seal === undefined
          ? { folded: foldJob(registryDir, jobId), isProven: false }
          : foldProven(registryDir, jobId, seal);
      if (isProven && !folded.isWritten) this.behind.push(jobId);
      const row = toIndexRow(folded.record, folded.mark);
      // It came with a clone, or from another home: nobody's key leads to it.
      return isProven ? row : { ...historyOf(row), request_key: undefined };
    } catch {
      // A journal that can't be read is named when somebody asks for that job.
      return seal && rowFromRecord(registryDir, jobId, seal);
    }
  }

  get size(): number {
    return this.rows.length;
  }

  /** How many of the jobs need somebody. */
  get needYou(): number {
    return this.needing.size;
  }

  /** The job that a client session made with this key, or an earlier one in its pane, if there is one. */
  findByKey({ session, place }: Owner, key: string): string | undefined {
    return this.keys.get(keyOf(session, key)) ?? (place && this.keys.get(keyOf(place, key)));
  }

  /** Takes over a job's present state. @param journal the state of the journal that says so */
  put(record: JobRecord, journal: Mark | undefined): void {
    const row = toIndexRow(record, journal);
    this.place(row);
    this.changed.set(row.job_id, row);
    this.writing ??= setTimeout(() => void this.write(), WRITE_DELAY_MS).unref();
  }

  /** True for a job that has a row. */
  has(jobId: string): boolean {
    return this.places.has(jobId);
  }

  /**
   * The jobs in the order of their making.
   * @param behind begin after the one that was made at this time with this id
   */
  *inOrder(behind?: { created_at: string; job_id: string }): Generator<JobRow> {
    for (const row of [...this.rows]) {
      const order =
        behind && (compare(row.created_at, behind.created_at) || compare(row.job_id, behind.job_id));
      if (order === undefined || order > 0) yield row;
    }
  }

  /** Forgets jobs whose folders are gone; the file's lines about them count no more. */
  remove(jobIds: ReadonlySet<string>): void {
    const rows = this.rows;
    this.rows = [];
    this.places.clear();
    this.keys.clear();
    this.needing.clear();
    for (const row of rows) if (!jobIds.has(row.job_id)) this.place(row);
    for (const id of jobIds) this.changed.delete(id);
  }

  /**
   * A page, the newest job first.
   * @param cursor the last page's cursor; absent for the first page
   * @throws MamError `bad_input` for a cursor that is none of ours
   */
  page(filter: ListFilter, limit: number, cursor?: string): { rows: JobRow[]; cursor: string | undefined } {
    let place = this.rows.length;
    if (cursor !== undefined) {
      const known = this.places.get(cursor);
      if (known === undefined) {
        throw new MamError(
          'bad_input',
          'The cursor is not known.',
          'Leave it out to begin with the newest job.',
        );
      }
      place = known;
    }
    const rows: JobRow[] = [];
    while (--place >= 0) {
      const row = this.rows[place] as IndexRow;
      if (!matches(row, filter)) continue;
      if (rows.length === limit) return { rows, cursor: rows.at(-1)?.job_id };
      const { owner: _, place: __, request_key: ___, untold: ____, journal: _____, ...shown } = row;
      rows.push(shown);
    }
    return { rows, cursor: undefined };
  }

  /** Writes what has changed. */
  async write(): Promise<void> {
    clearTimeout(this.writing);
    await this.rewriting;
    this.writing = undefined;
    const lines = [...this.changed.values()].map((row) => this.lineOf(row)).join('');
    this.changed = new Map();
    if (lines !== '') this.append(lines);
  }

  private append(lines: string): void {
    try {
      this.mayWrite();
      this.ground.check();
      const file = openOwn(this.path, constants.O_APPEND);
      try {
        writeSync(file, lines);
      } finally {
        closeSync(file);
      }
    } catch {
      // The next hub makes it again from the job folders.
    }
  }

  private place(row: IndexRow): void {
    if (row.needs_you === true) this.needing.add(row.job_id);
    else this.needing.delete(row.job_id);
    const place = this.places.get(row.job_id);
    if (place === undefined) {
      this.places.set(row.job_id, this.rows.length);
      this.rows.push(row);
      if (row.request_key !== undefined) {
        this.keys.set(keyOf(row.owner, row.request_key), row.job_id);
        if (row.place !== undefined) this.keys.set(keyOf(row.place, row.request_key), row.job_id);
      }
    } else {
      this.rows[place] = row;
    }
  }

  private async rewrite(rows: IndexRow[]): Promise<void> {
    const text = rows.map((row) => this.lineOf(row)).join('');
    try {
      this.mayWrite();
      await writeDerived(this.path, text);
    } catch {
      // The same.
    }
  }

  private lineOf(row: IndexRow): string {
    const line = JSON.stringify(row);
    return `${this.seal?.sign(signerOf(row), line) ?? line}\n`;
  }
}

function toIndexRow(record: JobRecord, journal: Mark | undefined): IndexRow {
  const { supervisor, request_key } = record;
  const { session: owner, place } = supervisor;
  const untold = owesWake(record) || undefined;
  return { ...toRow(record), owner, place, request_key, untold, journal };
}

function rowFromRecord(registryDir: string, jobId: string, seal: Seal): IndexRow | undefined {
  const record = readRecord(jobPaths(registryDir, jobId).record, jobId, seal);
  return record && toIndexRow(record, undefined);
}

/** True while the journal is in the state that the row was made of; of an older version's row, while there is none. */
function isPresent(registryDir: string, { job_id: id, journal }: IndexRow): boolean {
  return journal === presentMark(journalPath(registryDir, id));
}

function isSame(one: IndexRow, other: IndexRow | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

function keyOf(owner: string, key: string): string {
  return JSON.stringify([owner, key]);
}

function matches(row: IndexRow, filter: ListFilter): boolean {
  return (
    (filter.status === undefined || row.status === filter.status) &&
    (filter.agent === undefined || row.agent.toLowerCase() === filter.agent.toLowerCase()) &&
    (filter.session === undefined ||
      isOwner({ session: row.owner, place: row.place }, { session: filter.session, place: filter.place })) &&
    (filter.needs_you !== true || row.needs_you === true) &&
    (filter.untold !== true || row.untold === true) &&
    (filter.open_only !== true || !isFinal(row.status as Status)) &&
    (filter.among?.has(row.job_id) ?? true)
  );
}

/** What proves a row: no job has such an id, so that no line of a journal is one. */
function signerOf({ job_id: id }: JobRow): string {
  return `row ${id}`;
}

async function readRows(
  path: string,
  seal: Seal | undefined,
): Promise<{ known: Map<string, IndexRow>; lines: number }> {
  const known = new Map<string, IndexRow>();
  const text = orElse(() => readForeign(path, MAX_BYTES), undefined);
  if (text === undefined) return { known, lines: 0 };
  let lines = 0;
  for (const line of text.split('\n')) {
    if (++lines % STEP === 0) await nextTurn();
    try {
      const row: unknown = JSON.parse(line);
      if (!isRow(row) || seal?.open(signerOf(row), line) === undefined) continue;
      const { mac: _, ...shown } = row as IndexRow & { mac?: unknown };
      known.set(row.job_id, shown);
    } catch {
      // The last line of a hub that was killed, or the empty one at the end.
    }
  }
  return { known, lines };
}

/** True for what has the fields of a row in their forms: the file may have come with a clone. */
function isRow(value: unknown): value is IndexRow {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Record<string, unknown>;
  const isText = (name: string): boolean => typeof row[name] === 'string';
  return (
    ['job_id', 'agent', 'status', 'phase', 'prompt_preview', 'created_at', 'owner'].every(isText) &&
    isJobId(String(row['job_id'])) &&
    (STATUSES as readonly unknown[]).includes(row['status']) &&
    [
      'reason',
      'blocked_by',
      'blocked_what',
      'blocked_step',
      'detail',
      'session',
      'pane',
      'final_at',
      'place',
      'request_key',
      'journal',
    ].every((name) => row[name] === undefined || isText(name))
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
