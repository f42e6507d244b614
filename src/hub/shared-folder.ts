import { isFinal } from '../job/words.ts';
import type { LiveJob } from './live-job.ts';

/** The warning for a job whose working folder another open job has. A person changes no files behind another's back. */
export function sharedFolder(job: LiveJob, open: readonly LiveJob[]): string[] {
  const writes = ({ record }: LiveJob) => record.agent !== 'human' && !isFinal(record.status);
  const { workdir } = job.record;
  const other = open.find((one) => one !== job && writes(one) && one.record.workdir === workdir);
  return other === undefined || job.record.agent === 'human'
    ? []
    : [`Job ${other.id} is open in the same working folder ${workdir}.`];
}
