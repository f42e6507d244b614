import { byWait, compare, RANKS, type Rank, rankOf, waitsSince } from '../job/rank.ts';
import type { JobRow } from '../job/row.ts';
import { type IndexRow, type ListFilter, matches } from './index-row.ts';
import { listCursor, parseListCursor } from './list-cursor.ts';
import { writtenAt } from './mark.ts';

/** What orders jobs: when they were made. */
export type Moment = Pick<JobRow, 'created_at' | 'job_id'>;

/** The clock of files lags behind that of programs by less than this, in ms. */
const FILE_CLOCK_MS = 20;

/** The rows of a registry, in memory, in the two orders in which they are read. */
export class OrderedRows {
  /** In the order in which the jobs were made. */
  readonly #rows: IndexRow[] = [];
  readonly #places = new Map<string, number>();
  /** The ids of the jobs that need someone, and of the other open ones. */
  readonly #groups = { needs_you: new Set<string>(), open: new Set<string>() };

  get size(): number {
    return this.#rows.length;
  }

  get needYou(): number {
    return this.#groups.needs_you.size;
  }

  has(jobId: string): boolean {
    return this.#places.has(jobId);
  }

  [Symbol.iterator](): Iterator<IndexRow> {
    return this.#rows.values();
  }

  /** Adds a row, or replaces it. @returns true for a new one, which must not be older than the last */
  put(row: IndexRow): boolean {
    const { job_id: id } = row;
    const rank = rankOf(row);
    for (const group of ['needs_you', 'open'] as const) {
      if (rank === group) this.#groups[group].add(id);
      else this.#groups[group].delete(id);
    }
    const place = this.#places.get(id);
    if (place === undefined) this.#places.set(id, this.#rows.length);
    this.#rows[place ?? this.#rows.length] = row;
    return place === undefined;
  }

  /**
   * The jobs in the order in which they were made.
   * @param behind start after the job that was made at this time with this id
   */
  *inOrder(behind?: Moment): Generator<JobRow> {
    for (const row of [...this.#rows]) if (behind === undefined || byTime(row, behind) > 0) yield row;
  }

  /** The jobs that were made last, the newest first. */
  newest(limit: number): JobRow[] {
    return this.#rows.slice(-limit).reverse().map(shownRow);
  }

  /**
   * A page: the jobs that need someone, the one that has waited longest first; then the other open ones and the rest, each
   * newest first. Over all pages no job is left out that was there when the list began, and only one that has changed since
   * may be there twice.
   * @param cursor the last page's cursor; absent for the first page
   * @param room how many characters of JSON the rows may have; the first row always fits
   * @throws MamError `bad_input` for a cursor that is not ours
   */
  page(
    filter: ListFilter,
    limit: number,
    cursor?: string,
    room = Number.POSITIVE_INFINITY,
  ): { rows: JobRow[]; cursor: string | undefined } {
    const from = cursor === undefined ? undefined : parseListCursor(cursor);
    const begun = from?.begun ?? Date.now();
    const rows: JobRow[] = [];
    const shown = new Set<string>();
    let end: string | undefined;
    let left = room;
    for (const rank of RANKS.slice(from === undefined ? 0 : RANKS.indexOf(from.rank))) {
      for (const row of this.#ranked(rank, begun, rank === from?.rank ? from.last : undefined)) {
        if (shown.has(row.job_id) || !matches(row, filter)) continue;
        const view = shownRow(row);
        if (Number.isFinite(room)) left -= JSON.stringify(view).length;
        if (rows.length === limit || (left < 0 && rows.length > 0)) return { rows, cursor: end };
        rows.push(view);
        shown.add(row.job_id);
        const created_at = rank === 'needs_you' ? waitsSince(row) : row.created_at;
        end = listCursor({ rank, begun, last: { job_id: row.job_id, created_at } });
      }
    }
    return { rows, cursor: undefined };
  }

  /** The rows of a group in their order. @param after only those that come after this one */
  *#ranked(rank: Rank, begun: number, after: Moment | undefined): Generator<IndexRow> {
    if (rank === 'needs_you') {
      const rows = [...this.#groups.needs_you].map(
        (id) => this.#rows[this.#places.get(id) ?? -1] as IndexRow,
      );
      for (const row of rows.sort(byWait)) if (after === undefined || byWait(row, after) > 0) yield row;
      return;
    }
    const end = after === undefined ? this.#rows.length : this.#placeOf(after);
    if (rank === 'ended') {
      for (let place = end - 1; place >= 0; place--) {
        const row = this.#rows[place] as IndexRow;
        if (rankOf(row) === rank) yield row;
      }
      return;
    }
    const { needs_you, open } = this.#groups;
    const places = [...open, ...needs_you]
      .map((id) => this.#places.get(id) ?? end)
      .filter((place) => place < end);
    for (const place of places.sort((a, b) => b - a)) {
      const row = this.#rows[place] as IndexRow;
      // A job that has begun to need someone since the list began was not in the first group then.
      if (rankOf(row) === rank || hasChangedSince(row, begun)) yield row;
    }
  }

  /** A job's place; for one that was removed, the place of the first job after it. */
  #placeOf(moment: Moment): number {
    const place = this.#places.get(moment.job_id);
    return place ?? this.#rows.findLastIndex((row) => byTime(row, moment) < 0) + 1;
  }
}

export function byTime(a: Moment, b: Moment): number {
  return compare(a.created_at, b.created_at) || compare(a.job_id, b.job_id);
}

function hasChangedSince({ journal = '' }: IndexRow, time: number): boolean {
  return writtenAt(journal) > time - FILE_CLOCK_MS;
}

/** A row without what only the index needs. */
function shownRow(row: IndexRow): JobRow {
  const {
    owner: _,
    place: __,
    request_key: ___,
    untold: ____,
    journal: _____,
    replica: ______,
    ...shown
  } = row;
  return shown;
}
