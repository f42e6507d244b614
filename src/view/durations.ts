import type { JobRecord } from '../job/record.ts';

/** How long a job took, or has by `now`, in ms: until its order was submitted, from then on (if it was), and in all. */
export function durations({ created_at, submitted_at, final_at }: JobRecord, now: number) {
  const created = Date.parse(created_at);
  const end = final_at === undefined ? now : Date.parse(final_at);
  const submitted = submitted_at === undefined ? undefined : Date.parse(submitted_at);
  return {
    queued: Math.max(0, Math.min(submitted ?? end, end) - created),
    // With a late report, the order may turn out to be submitted after we ended the job.
    ...(submitted !== undefined && { working: Math.max(0, end - submitted) }),
    total: Math.max(0, end - created),
  };
}
