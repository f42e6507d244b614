import { RANKS, rankOf } from '../../job/rank.ts';
import type { JobRow } from '../../job/row.ts';

/** A row with the time at which it began to need a person, if that is known. */
export interface Waiting {
  row: JobRow;
  since?: string | undefined;
}

/**
 * Compares jobs by how much they need a person: those that wait for one, then those at work, those in a queue, those
 * that have ended. Of those that wait, the one that has waited longest is first: nobody is forgotten, and a job that
 * begins to ask goes below the others instead of moving them. Of all others the newest is first.
 */
export function byNeed(a: Waiting, b: Waiting): number {
  const [first, second] = [placeOf(a.row), placeOf(b.row)];
  if (first !== second) return first - second;
  return first === 0
    ? compare(waitsSince(a), waitsSince(b)) || compare(a.row.job_id, b.row.job_id)
    : compare(timeOf(b.row), timeOf(a.row));
}

/** Its group, as in every list of jobs; of the open ones, those in a queue come last. */
function placeOf(row: JobRow): number {
  const rank = rankOf(row);
  return RANKS.indexOf(rank) + (rank === 'open' && row.status === 'queued' ? 0.5 : 0);
}

function waitsSince({ row, since }: Waiting): string {
  // Who waits for someone says nothing else.
  return since ?? row.last_sign_of_life_at ?? row.created_at;
}

function timeOf({ created_at, final_at }: JobRow): string {
  return final_at ?? created_at;
}

/** Times in ISO 8601 and ids sort as texts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
