import { isSamePlace } from '../../base/real-place.ts';
import { someOf } from '../../base/text.ts';
import { worktreeAround } from '../../git/worktree-around.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

const NAMED_JOBS = 5;

/**
 * The warning for a job whose working folder is that of another open job, or in the same git worktree. Jobs for people,
 * and those that it comes after, don't count. Git is not run: a delegation does not wait for it.
 */
export function sharedFolder(
  { job_id: id, agent, workdir, after = [] }: JobRecord,
  open: readonly LiveJob[],
): string[] {
  if (agent === 'human') return [];
  const top = worktreeAround(workdir);
  const writes = ({ record }: LiveJob) => record.agent !== 'human' && !isFinal(record.status);
  const isAtOnce = (one: LiveJob) => one.id !== id && !after.includes(one.id);
  const others = open.filter((one) => isAtOnce(one) && writes(one) && isSameTree(one.record, workdir, top));
  if (others.length === 0) return [];
  const ids = others.map((one) => one.id);
  const jobs = ids.length === 1 ? `Job ${ids[0]} is` : `Jobs ${someOf(ids, NAMED_JOBS)} are`;
  const isOneFolder = others.every(({ record }) => isSamePlace(record.workdir, workdir));
  const where =
    isOneFolder || top === undefined ? `same working folder ${workdir}` : `same git worktree ${top}`;
  const remedy =
    top === undefined
      ? 'give each job a workdir (`--workdir`) of its own'
      : 'give each job a git worktree of its own: worktree true (`--worktree`)';
  return [`${jobs} open in the ${where}. If both change files there, ${remedy}.`];
}

/** @param top of the git worktree around the working folder, if it is in one */
function isSameTree({ workdir, changes }: JobRecord, other: string, top: string | undefined): boolean {
  if (isSamePlace(workdir, other)) return true;
  return top !== undefined && (changes?.top === top || worktreeAround(workdir) === top);
}
