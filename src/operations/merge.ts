import { flag, maybe, object, type Sent, text } from '../base/fields.ts';
import type { JobRecord } from '../job/record.ts';
import { by, inRegistry, jobId } from './common.ts';

/** The part of the caller's environment that git and its hooks run with: it has no secrets. */
export const gitSurroundings = { env: maybe(object<Record<string, string>>()) };

const fields = {
  job_id: jobId,
  into: maybe(
    text('the worktree that gets the work, into the branch that is checked out there', {
      completes: 'folder',
    }),
    'the current folder; it must be given for a job on another host, absolute there',
  ),
  committed_only: flag('leave out what is not committed in the worktree of the job'),
  force: flag('also the work of a job that has failed or was cancelled'),
};

export const merge = {
  fields,
  params: {
    ...{ ...fields, ...inRegistry, ...gitSurroundings },
    cwd: maybe(text("the caller's current folder")),
    by: maybe(by, 'supervisor'),
  },
};
export type MergeParams = Sent<typeof merge.params>;

/** How the work came into the branch: it was there before, the branch was moved forward, or has a new commit. */
type MergeWay = 'already' | 'forward' | 'commit' | 'nothing';

export interface MergeResult {
  record: JobRecord;
  /** The branch of the job, and the one that has its work now, with the worktree where that is checked out. */
  branch: string;
  into: string;
  folder: string;
  /** The commit that has the work. */
  commit: string;
  how: MergeWay;
  /** What git and its hooks have said. */
  said?: string | undefined;
}

/** What has happened, as a sentence. */
export function mergeSummary({ record, branch, into, folder, commit, how }: MergeResult): string {
  const short = commit.slice(0, 10);
  const where = `${into} in ${folder}`;
  switch (how) {
    case 'nothing':
      return `Job ${record.job_id} has no commit of its own on ${branch}: there is nothing to merge.`;
    case 'already':
      return `${into} already has all of ${branch}: nothing was merged.`;
    case 'forward':
      return `${where} was moved forward to ${branch} (${short}).`;
    case 'commit':
      return `${branch} was merged into ${where} (${short}).`;
  }
}
