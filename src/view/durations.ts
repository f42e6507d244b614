import type { JobRecord } from '../job/record.ts';

/** How long a job took or has taken so far, in ms. */
export interface Durations {
  /** Until its order was submitted, or its end without that. */
  queued: number;
  /** From the submission on; absent for a job that never got so far. */
  working?: number;
  total: number;
}

/** @param now in ms since 1970: the end of a job that is open */
export function durations(record: JobRecord, now: number): Durations {
  const created = Date.parse(record.created_at);
  const end = record.final_at === undefined ? now : Date.parse(record.final_at);
  const submitted = record.submitted_at === undefined ? undefined : Date.parse(record.submitted_at);
  return {
    queued: Math.max(0, Math.min(submitted ?? end, end) - created),
    // A late report amends an end that was ours.
    ...(submitted !== undefined && { working: Math.max(0, end - submitted) }),
    total: Math.max(0, end - created),
  };
}
