import { agentWords } from '../../job/agent-words.ts';
import type { JobRow } from '../../job/row.ts';
import type { ListResult } from '../../operations/list.ts';
import type { LogMessage } from '../../operations/request.ts';
import { farOf } from '../../view/home.ts';
import { listRow } from '../../view/job.ts';
import { standingWords } from '../../view/marks.ts';
import { newRow, placeFrom, rowAfter } from '../model/live.ts';
import { arranged } from '../model/order.ts';
import { type Count, countJobs, isOpen, wordsOf } from '../model/rows.ts';
import { shown } from './cells.ts';

/** Which jobs a list contains: all of the registry, or those that are not final. */
export type Which = 'all' | 'open';

/** The lists that are fetched, in this order. Of the open jobs, every page is: any of them may need someone. */
export const PARTS = ['open', 'all'] as const;

/** A list of the hub, complete down to its last row. */
interface Part {
  ids: readonly string[];
  /** Of the next page; absent if there is none. */
  cursor: string | undefined;
  loaded: boolean;
}

/** What is known about a registry's jobs. Immutable: every change makes a new object. */
export interface Jobs {
  rows: ReadonlyMap<string, JobRow>;
  /** How often a job has begun to need someone while the board was watching. */
  calls: number;
  /** Every open job has been listed, and the newest of the others. */
  ready: boolean;
  parts: Readonly<Record<Which, Part>>;
  total: number;
}

const NOTHING: Part = { ids: [], cursor: undefined, loaded: false };
export const NO_JOBS: Jobs = {
  rows: new Map(),
  calls: 0,
  ready: false,
  parts: { open: NOTHING, all: NOTHING },
  total: 0,
};

/** Adds a page of the hub's list. @param first true for the first page of a new list */
export function withPage(jobs: Jobs, which: Which, first: boolean, page: ListResult): Jobs {
  const rows = new Map(jobs.rows);
  const before = first ? [] : jobs.parts[which].ids;
  const known = new Set(before);
  let { calls } = jobs;
  for (const row of page.jobs) {
    const old = rows.get(row.job_id);
    // After a loss of the hub: nobody heard of it when it began.
    if (old !== undefined && begins(old, row)) calls++;
    rows.set(row.job_id, harmless(row));
  }
  const ids = [...before, ...page.jobs.map((row) => row.job_id).filter((id) => !known.has(id))];
  const part: Part = { ids, cursor: page.cursor, loaded: true };
  const parts = { ...jobs.parts, [which]: part };
  const ready = jobs.ready || (parts.open.loaded && parts.open.cursor === undefined && parts.all.loaded);
  return { ...jobs, rows, calls, ready, parts, total: page.total };
}

/** Applies events. Jobs of other registries, and jobs that were not listed yet, are ignored. */
export function withEvents(jobs: Jobs, messages: readonly LogMessage[], registryDir: string): Jobs {
  const rows = new Map(jobs.rows);
  const made: string[] = [];
  let { calls } = jobs;
  let changed = false;
  for (const message of messages) {
    const { job_id: id } = message.event;
    const row = rows.get(id) ?? newRow(message, registryDir);
    if (row === undefined) continue;
    if (!rows.has(id)) made.push(id);
    const next = after(row, message);
    if (begins(row, next)) calls++;
    rows.set(id, next);
    changed = true;
  }
  if (!changed) return jobs;
  const newest = made.reverse();
  const ahead = (part: Part): Part => ({ ...part, ids: [...newest, ...part.ids] });
  const { all, open } = jobs.parts;
  const parts = made.length === 0 ? jobs.parts : { ...jobs.parts, all: ahead(all), open: ahead(open) };
  return { ...jobs, rows, calls, parts, total: jobs.total + made.length };
}

/** How many jobs there are; `more` if not all open ones are listed yet. */
export function countOf(jobs: Jobs): Count {
  const { rows, parts, total } = jobs;
  const listed = orderOf(jobs).flatMap((id) => rows.get(id) ?? []);
  return { ...countJobs(listed), more: parts.open.cursor !== undefined, total };
}

const ORDERS = new WeakMap<Jobs, readonly string[]>();

/** The ids of all listed jobs, those that need someone first. */
function orderOf(jobs: Jobs): readonly string[] {
  const known = ORDERS.get(jobs);
  if (known !== undefined) return known;
  const ids = new Set(PARTS.flatMap((name) => jobs.parts[name].ids));
  const placed = arranged([...ids].flatMap((id) => jobs.rows.get(id) ?? []));
  const order = placed.map(({ row }) => row.job_id);
  ORDERS.set(jobs, order);
  DEPTHS.set(jobs, new Map(placed.flatMap(({ row, depth }) => (depth === 0 ? [] : [[row.job_id, depth]]))));
  return order;
}

const DEPTHS = new WeakMap<Jobs, ReadonlyMap<string, number>>();

/** How deep a job is below those that it waits for. */
export function depthOf(jobs: Jobs, jobId: string): number {
  orderOf(jobs);
  return DEPTHS.get(jobs)?.get(jobId) ?? 0;
}

const FAR = new WeakMap<Jobs, boolean>();

/** True if any known job is on another machine, or came from one. */
export function isFar(jobs: Jobs): boolean {
  const known = FAR.get(jobs) ?? [...jobs.rows.values()].some((row) => farOf(row) !== undefined);
  FAR.set(jobs, known);
  return known;
}

/** The ids that a list shows. @param filter words that must all occur, ignoring case */
export function idsOf(jobs: Jobs, which: Which, filter: string): readonly string[] {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const ids = orderOf(jobs);
  if (which === 'all' && wanted.length === 0) return ids;
  return ids.filter((id) => {
    const row = jobs.rows.get(id);
    if (row === undefined || (which === 'open' && !isOpen(row))) return false;
    if (wanted.length === 0) return true;
    const text =
      `${id} ${agentWords(row)} ${farOf(row) ?? ''} ${row.status} ${row.reason ?? row.blocked_by ?? ''} ${standingWords(row)} ${wordsOf(row)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** True if a job that did not need anyone does so now. */
function begins(before: JobRow, next: JobRow): boolean {
  return before.needs_you !== true && next.needs_you === true;
}

function after(row: JobRow, message: LogMessage): JobRow {
  const { record: _, home: __, ...heard } = message;
  return harmless(rowAfter(row, { ...heard, place: placeFrom(message) }));
}

function harmless(row: JobRow): JobRow {
  const { detail, prompt_preview, ...rest } = listRow(row);
  return {
    ...rest,
    prompt_preview: shown(prompt_preview),
    ...(detail !== undefined && { detail: shown(detail) }),
  };
}
