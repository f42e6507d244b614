import { byWait, compare, RANKS, rankOf } from '../../job/rank.ts';
import type { JobRow } from '../../job/row.ts';

/**
 * Compares jobs by how much they need a person: those that wait for one, then those at work, those in a queue, those
 * that have ended. Of those that wait, the one that has waited longest is first: nobody is forgotten, and a job that
 * begins to ask goes below the others instead of moving them. Of all others the newest is first.
 */
export function byNeed(a: JobRow, b: JobRow): number {
  const [first, second] = [placeOf(a), placeOf(b)];
  if (first !== second) return first - second;
  return first === 0 ? byWait(a, b) : compare(timeOf(b), timeOf(a));
}

/** Its group, as in every list of jobs; of the open ones, those in a queue come last. */
function placeOf(row: JobRow): number {
  const rank = rankOf(row);
  return RANKS.indexOf(rank) + (rank === 'open' && row.status === 'queued' ? 0.5 : 0);
}

function timeOf({ created_at, final_at }: JobRow): string {
  return final_at ?? created_at;
}
