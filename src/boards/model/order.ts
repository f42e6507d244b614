import { byWait, compare, RANKS, rankOf } from '../../job/rank.ts';
import type { JobRow } from '../../job/row.ts';
import { isOpen } from './rows.ts';

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

/** A job of a board's list. */
export interface Placed {
  row: JobRow;
  /** How many jobs above it wait for one another, down to it; 0 for one that does not wait for a listed job. */
  depth: number;
}

/** The jobs in that order, but each one that still waits for others below the last of those that is open. */
export function arranged(rows: readonly JobRow[]): Placed[] {
  const ordered = [...rows].sort(byNeed);
  const places = new Map(ordered.map(({ job_id }, place) => [job_id, place]));
  const below = new Map<string, JobRow[]>();
  const first: JobRow[] = [];
  for (const row of ordered) {
    const above = aboveOf(row, ordered, places);
    if (above === undefined) first.push(row);
    else below.set(above, [...(below.get(above) ?? []), row]);
  }
  if (below.size === 0) return ordered.map((row) => ({ row, depth: 0 }));
  const placed: Placed[] = [];
  const rest = first.map((row) => ({ row, depth: 0 })).reverse();
  for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
    placed.push(one);
    const depth = one.depth + 1;
    rest.push(...(below.get(one.row.job_id) ?? []).map((row) => ({ row, depth })).reverse());
    below.delete(one.row.job_id);
  }
  // Only what a stranger wrote into a registry can wait for itself.
  return [...placed, ...[...below.values()].flat().map((row) => ({ row, depth: 0 }))];
}

/** The job below which a waiting one is listed. */
function aboveOf(
  { job_id, status, needs_you, after = [] }: JobRow,
  ordered: readonly JobRow[],
  places: ReadonlyMap<string, number>,
): string | undefined {
  if (status !== 'queued' || needs_you === true) return undefined;
  const listed = after
    .flatMap((id) => places.get(id) ?? [])
    .filter((place) => {
      const row = ordered[place];
      return row !== undefined && row.job_id !== job_id && isOpen(row);
    });
  return listed.length === 0 ? undefined : ordered[Math.max(...listed)]?.job_id;
}
