import { cleanLine } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';

const PLACE_CHARS = 200;
/** As much of a commit's id as people use. */
const SHORT_ID = 10;

type Of = Pick<
  JobRecord,
  'status' | 'worktree' | 'merged' | 'discarded' | 'changes' | 'home' | 'prepares' | 'prepared'
>;

/** True for a job that has ended and whose worktree may still be there. */
export function hasWork(job: Of): boolean {
  const { status, worktree, discarded } = job;
  return worktree !== undefined && isFinal(status) && discarded === undefined && !wasNeverBegun(job);
}

/** True for a job that has ended before its worktree was begun. */
function wasNeverBegun({ status, prepares = [], prepared = [] }: Of): boolean {
  const before = prepares.slice(0, Math.max(0, prepares.indexOf('worktree')));
  return isFinal(status) && before.some((step) => !prepared.includes(step));
}

/** True if there is something that only the worktree or its branch has, as far as is known. */
function isWanted({ worktree, merged, changes, prepares = [], prepared = [] }: Of): boolean {
  const end = changes?.end;
  // No agent was ever in one that was not made ready.
  const isReady = !prepares.includes('worktree') || prepared.includes('worktree');
  return isReady && merged === undefined && !(end?.dirty_count === 0 && end.head === worktree?.base);
}

/** The command that merges it. On another host only a folder there can get the work. */
function mergeCommand(id: string, { home }: Of): string {
  return home === undefined ? `mam merge ${id}` : `mam merge ${id} --into FOLDER_THERE`;
}

/**
 * What became of the work of a job, and where it is. The outcome is first, because paths are long and screens are narrow:
 * `merged into main (1a2b3c4d5e), branch mam/fix in ../worktrees/fix, from 6d4d65a606`.
 */
export function worktreeText(job: Of): string | undefined {
  const { worktree, merged, discarded } = job;
  if (worktree === undefined || wasNeverBegun(job)) return undefined;
  const { branch, folder, base } = worktree;
  const from = `from ${base.slice(0, SHORT_ID)}`;
  const into =
    merged && `merged into ${cleanLine(merged.into, PLACE_CHARS)} (${merged.commit.slice(0, SHORT_ID)})`;
  const gone =
    discarded &&
    (discarded.commit === undefined
      ? 'worktree removed'
      : `worktree removed, branch deleted at ${discarded.commit.slice(0, SHORT_ID)}`);
  const where = `branch ${cleanLine(branch, PLACE_CHARS)} in ${cleanLine(folder, PLACE_CHARS)}`;
  return [into, gone, where, from].filter((part) => part !== undefined).join(', ');
}

/** The commands for the work of a job that has ended, as one that a person can copy, with the others behind it. */
export function workStep(job: Of & Pick<JobRecord, 'job_id'>): string | undefined {
  if (!hasWork(job)) return undefined;
  const { job_id } = job;
  if (!isWanted(job)) return `mam discard ${job_id}`;
  return `mam diff ${job_id} # then ${mergeCommand(job_id, job)}, or mam discard ${job_id}`;
}

/** What is left to do with the work of jobs that have ended, for a model; empty if nothing is. @param most jobs named */
export function workSentence(jobs: readonly (Of & Pick<JobRecord, 'job_id'>)[], most: number): string {
  const left = jobs.filter((job) => hasWork(job) && isWanted(job));
  const [first] = left;
  if (first === undefined) return '';
  const ids = left.slice(0, most).map(({ job_id }) => job_id);
  const id = left.length === 1 ? first.job_id : 'ID';
  const whose =
    left.length === 1
      ? 'Its work is'
      : `The work of ${ids.join(', ')}${left.length > most ? ' and others' : ''} is`;
  return ` ${whose} on a branch in a worktree: in a shell, \`mam diff ${id}\` shows it, \`${mergeCommand(id, first)}\` merges it, \`mam discard ${id}\` removes the worktree.`;
}
