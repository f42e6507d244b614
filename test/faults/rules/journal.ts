import type { Rule } from './rule.ts';

/** A journal has every `seq` from 1 on once, no event twice, and whole lines except those that a crash has torn. */
export const journal: Rule = ({ jobs, tears }) => {
  const found: string[] = [];
  let torn = 0;
  for (const [id, { journal: text, unfit }] of Object.entries(jobs)) {
    if (unfit !== undefined) found.push(`${id} cannot be read: ${unfit}`);
    const ids = new Map<string, number>();
    let last = 0;
    for (const line of text.split('\n').filter(Boolean)) {
      const event = parsed(line);
      if (event === undefined) {
        torn++;
        continue;
      }
      const { seq, event_id: eventId, job_id: job } = event;
      if (seq !== last + 1) found.push(`${id}: seq ${seq} comes after ${last}`);
      if (ids.has(eventId))
        found.push(`${id}: event ${eventId} stands there as ${ids.get(eventId)} and as ${seq}`);
      if (job !== id) found.push(`${id}: event ${seq} is one of ${job}`);
      ids.set(eventId, seq);
      last = Math.max(last, seq);
    }
  }
  if (torn > tears) found.push(`${torn} lines cannot be read, but only ${tears} crashes may have torn one`);
  return found;
};

function parsed(line: string): { seq: number; event_id: string; job_id: string } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
