import { isHistory } from './history.ts';
import { LOST } from './home-state.ts';
import type { JobRow } from './row.ts';
import type { Standing } from './standing.ts';
import { isFinal, type Status } from './words.ts';

/** The groups of every list of jobs, in their order: those that need someone, the other open ones, the rest. */
export const RANKS = ['needs_you', 'open', 'ended'] as const;
export type Rank = (typeof RANKS)[number];

/** The group of a job. What came with a clone, or is lost with its machine, needs no one, whatever its status says. */
export function rankOf(job: Pick<Standing, 'status' | 'reason' | 'needs_you'>): Rank {
  if (job.needs_you === true) return 'needs_you';
  return isFinal(job.status as Status) || isHistory(job) || job.reason === LOST ? 'ended' : 'open';
}

/** Compares jobs that need someone: the one that has waited longest is first, so nobody is forgotten. */
export function byWait(a: Waiting, b: Waiting): number {
  return compare(waitsSince(a), waitsSince(b)) || compare(a.job_id, b.job_id);
}

type Waiting = Pick<JobRow, 'job_id' | 'created_at' | 'last_sign_of_life_at'>;

/** ISO 8601. A job that waits for someone gives no other sign of life. */
export function waitsSince({ last_sign_of_life_at: sign, created_at }: Waiting): string {
  return sign ?? created_at;
}

/** Times in ISO 8601 and ids sort as texts. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
