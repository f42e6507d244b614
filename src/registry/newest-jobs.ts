import { join } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { isOver } from '../job/home-state.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { foldJob } from './fold.ts';
import { homePaths, readPointers } from './home.ts';
import { type Mark, presentMark } from './mark.ts';
import { hasJob, journalPath } from './paths.ts';
import { tailOf } from './tail.ts';

/** How much of the index is read, in bytes: some 600 jobs. */
const TAIL_BYTES = 256 * 1024;

/** What a quick look at a job shows. */
export type Glance = Pick<JobRecord, 'job_id' | 'status' | 'agent' | 'prompt_preview' | 'created_at'> &
  // Of the open ones.
  Partial<
    Pick<JobRecord, 'reason' | 'attention' | 'requests' | 'held_up' | 'blocked_by' | 'agent_session' | 'home'>
  >;
/** A row of the index, with the state of the journal that it was made from. */
type Row = Glance & { journal?: Mark | undefined; replica?: Mark | undefined };

/**
 * The jobs that the user most likely means: the open ones first, then the others, each newest first. Takes a few ms,
 * however large the registry is: it reads only the end of the index, which lacks what a hub has not added yet, and the
 * folders of the open jobs.
 * @param home `MAM_HOME`, which knows which jobs are open
 * @param limit how many at most
 */
export function newestJobs(registryDir: string, home: string, limit: number): Glance[] {
  const jobs = new Map<string, Row>(indexTail(registryDir).map((job) => [job.job_id, job]));
  // A hub adds to the index only after it was asked for a list.
  const unsure = [...jobs.values()].filter(({ status }) => !isFinal(status)).map(({ job_id }) => job_id);
  for (const id of new Set([...unsure, ...openIn(registryDir, home)])) {
    const job = lookAt(registryDir, id);
    if (job !== undefined) jobs.set(id, job);
  }
  const byRank = (a: Row, b: Row): number =>
    Number(isOver(a)) - Number(isOver(b)) || (a.created_at < b.created_at ? 1 : -1);
  const found: Glance[] = [];
  for (const job of [...jobs.values()].sort(byRank)) {
    if (found.length === limit) break;
    // Its folder may have been removed, or a report may have come since.
    if (!hasJob(registryDir, job.job_id)) continue;
    const isPresent =
      job.replica === undefined && job.journal === presentMark(journalPath(registryDir, job.job_id));
    found.push(isPresent ? job : (lookAt(registryDir, job.job_id) ?? job));
  }
  return found;
}

function lookAt(registryDir: string, jobId: string): Row | undefined {
  try {
    const { record, mark } = foldJob(registryDir, jobId);
    return { ...record, journal: mark };
  } catch {
    // Its folder is gone, or its journal can't be read: `mam status` says so.
    return undefined;
  }
}

function openIn(registryDir: string, home: string): string[] {
  // Empty for a home in which no hub has run yet.
  const pointers = orElse(() => readPointers(homePaths(home)), []);
  return pointers.filter((pointer) => pointer.registryDir === registryDir).map(({ jobId }) => jobId);
}

function indexTail(registryDir: string): Row[] {
  const rows: Row[] = [];
  for (const line of tailOf(join(registryDir, '.index.jsonl'), TAIL_BYTES).split('\n')) {
    try {
      const row = JSON.parse(line) as Row;
      const texts = [row.job_id, row.status, row.agent ?? '', row.prompt_preview, row.created_at];
      if (texts.every((text) => typeof text === 'string')) rows.push(row);
    } catch {
      // The cut line at the start of the tail, or the empty one at its end.
    }
  }
  return rows;
}
