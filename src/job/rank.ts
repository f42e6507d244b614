import { isHistory } from './history.ts';
import type { Standing } from './standing.ts';
import { isFinal, type Status } from './words.ts';

/** The groups of every list of jobs, in their order: those that need someone, the other open ones, the rest. */
export const RANKS = ['needs_you', 'open', 'ended'] as const;
export type Rank = (typeof RANKS)[number];

/** The group of a job. What came with a clone needs no one, whatever its status says. */
export function rankOf(job: Pick<Standing, 'status' | 'reason' | 'needs_you'>): Rank {
  if (job.needs_you === true) return 'needs_you';
  return isFinal(job.status as Status) || isHistory(job) ? 'ended' : 'open';
}
