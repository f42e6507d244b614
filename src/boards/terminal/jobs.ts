import type { JobRow } from '../../job/row.ts';
import type { ListResult } from '../../operations/list.ts';
import type { LogMessage } from '../../operations/request.ts';
import { listRow } from '../../view/job.ts';
import { newRow, rowAfter } from '../model/live.ts';
import { type Count, countJobs, isOpen, wordsOf } from '../model/rows.ts';
import { shown } from './cells.ts';

/** Which jobs a list contains: all of the registry, or those that are not final. */
export type Which = 'all' | 'open';

/** A part of the hub's list: the newest jobs, complete down to its last one. */
interface Part {
  ids: readonly string[];
  /** Of the next page; absent if there is none. */
  cursor: string | undefined;
  loaded: boolean;
}

/** What is known about a registry's jobs. Immutable: every change makes a new object. */
export interface Jobs {
  rows: ReadonlyMap<string, JobRow>;
  parts: Readonly<Record<Which, Part>>;
  total: number;
}

const NOTHING: Part = { ids: [], cursor: undefined, loaded: false };
export const NO_JOBS: Jobs = { rows: new Map(), parts: { all: NOTHING, open: NOTHING }, total: 0 };

/** Adds a page of the hub's list. @param first true for the first page of a new list */
export function withPage(jobs: Jobs, which: Which, first: boolean, page: ListResult): Jobs {
  const rows = new Map(jobs.rows);
  for (const row of page.jobs) rows.set(row.job_id, harmless(row));
  const before = first ? [] : jobs.parts[which].ids;
  const known = new Set(before);
  const ids = [...before, ...page.jobs.map((row) => row.job_id).filter((id) => !known.has(id))];
  const part: Part = { ids, cursor: page.cursor, loaded: true };
  return { rows, parts: { ...jobs.parts, [which]: part }, total: page.total };
}

/** Applies events. Jobs of other registries, and jobs that were not listed yet, are ignored. */
export function withEvents(jobs: Jobs, messages: readonly LogMessage[], registryDir: string): Jobs {
  const rows = new Map(jobs.rows);
  const made: string[] = [];
  let changed = false;
  for (const message of messages) {
    const { job_id: id } = message.event;
    const row = rows.get(id) ?? newRow(message, registryDir);
    if (row === undefined) continue;
    if (!rows.has(id)) made.push(id);
    rows.set(id, after(row, message));
    changed = true;
  }
  if (!changed) return jobs;
  if (made.length === 0) return { ...jobs, rows };
  const newest = made.reverse();
  const ahead = (part: Part): Part => ({ ...part, ids: [...newest, ...part.ids] });
  const { all, open } = jobs.parts;
  return { rows, parts: { all: ahead(all), open: ahead(open) }, total: jobs.total + made.length };
}

/** How many jobs there are; `more` if not all open ones are listed yet. */
export function countOf({ rows, parts, total }: Jobs): Count {
  return { ...countJobs(rows.values()), more: parts.open.cursor !== undefined, total };
}

/** The ids that a list shows, newest first. @param filter words that must all occur, ignoring case */
export function idsOf(jobs: Jobs, which: Which, filter: string): readonly string[] {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const { ids } = jobs.parts[which];
  if (which === 'all' && wanted.length === 0) return ids;
  return ids.filter((id) => {
    const row = jobs.rows.get(id);
    if (row === undefined || (which === 'open' && !isOpen(row))) return false;
    if (wanted.length === 0) return true;
    const text =
      `${id} ${row.agent} ${row.status} ${row.reason ?? row.blocked_by ?? ''} ${wordsOf(row)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

function after(row: JobRow, { record: _, ...heard }: LogMessage): JobRow {
  return harmless(rowAfter(row, heard));
}

function harmless(row: JobRow): JobRow {
  const { detail, prompt_preview, ...rest } = listRow(row);
  return {
    ...rest,
    prompt_preview: shown(prompt_preview),
    ...(detail !== undefined && { detail: shown(detail) }),
  };
}
