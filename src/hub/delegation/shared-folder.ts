import { isSamePlace } from '../../base/real-place.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** The warning for a job whose working folder is that of another open job. Jobs for people don't count. */
export function sharedFolder({ job_id: id, agent, workdir }: JobRecord, open: readonly LiveJob[]): string[] {
  const writes = ({ record }: LiveJob) => record.agent !== 'human' && !isFinal(record.status);
  const other = open.find((one) => one.id !== id && writes(one) && isSamePlace(one.record.workdir, workdir));
  return other === undefined || agent === 'human'
    ? []
    : [`Job ${other.id} is open in the same working folder ${workdir}.`];
}
