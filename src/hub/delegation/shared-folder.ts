import { isSamePlace } from '../../base/real-place.ts';
import { someOf } from '../../base/text.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

const NAMED_JOBS = 5;

/** The warning for a job whose working folder is that of another open job. Jobs for people don't count. */
export function sharedFolder({ job_id: id, agent, workdir }: JobRecord, open: readonly LiveJob[]): string[] {
  const writes = ({ record }: LiveJob) => record.agent !== 'human' && !isFinal(record.status);
  const others = open.filter(
    (one) => one.id !== id && writes(one) && isSamePlace(one.record.workdir, workdir),
  );
  if (others.length === 0 || agent === 'human') return [];
  const ids = others.map((one) => one.id);
  const jobs = ids.length === 1 ? `Job ${ids[0]} is` : `Jobs ${someOf(ids, NAMED_JOBS)} are`;
  return [
    `${jobs} open in the same working folder ${workdir}. If both change files there, give each job a workdir (\`--workdir\`) of its own, such as a git worktree.`,
  ];
}
