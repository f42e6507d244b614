import { dataOf } from '../../../src/job/event.ts';
import type { Rule } from './rule.ts';

/** A job that was reported to a supervisor exists; the same key is always the same job; no half-made job stays. */
export const delegated: Rule = ({ told, jobs }) => {
  const found: string[] = [];
  const byKey = new Map<string, string>();
  for (const { call, outcome, answer, args } of told) {
    if (call !== 'delegate_job' || outcome !== 'answer') continue;
    const id: string = answer.job_id;
    if (jobs[id] === undefined) found.push(`${id} was delegated, and is not in the registry`);
    const key: string = args.request_key;
    const other = byKey.get(key);
    if (other !== undefined && other !== id)
      found.push(`the key ${key} has made two jobs: ${other} and ${id}`);
    byKey.set(key, id);
  }
  for (const [id, { events }] of Object.entries(jobs)) {
    if (events[0]?.type !== 'queued')
      found.push(`${id} is half made: its journal begins with ${events[0]?.type ?? 'nothing'}`);
    const key = dataOf(events[0] ?? {}).job;
    const other = key?.request_key === undefined ? undefined : byKey.get(key.request_key);
    if (other !== undefined && other !== id)
      found.push(`the key ${key?.request_key} has made two jobs: ${other} and ${id}`);
  }
  return [...new Set(found)];
};
