import { flag, maybe, type Sent } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import type { JobRecord } from '../job/record.ts';
import { by, inRegistry, jobId } from './common.ts';
import { gitSurroundings } from './merge.ts';

const fields = {
  job_id: jobId,
  branch: flag('also delete its branch'),
  force: flag('also if files or commits are lost by it'),
};

export const discard = {
  fields,
  params: {
    ...{ ...fields, ...inRegistry, ...gitSurroundings },
    by: maybe(by, 'supervisor'),
    dry_run: flag('only say what would be removed'),
  },
};
export type DiscardParams = Sent<typeof discard.params>;

export interface DiscardResult {
  record: JobRecord;
  /** `there`: the worktree was removed now; `gone`: only git's note of it was left; `none`: not even that. */
  state: 'there' | 'gone' | 'none';
  folder: string;
  branch: string;
  /** The last commit of the branch; absent if there is no branch any more. */
  commit?: string | undefined;
  /** True if the branch was deleted now. */
  branch_deleted: boolean;
  /** What is lost, as the end of a sentence; absent if nothing is. */
  lost?: string | undefined;
}

/** What has happened, or would, as sentences. @param dry nothing was removed yet */
export function discardSummary(
  { state, folder, branch, commit, branch_deleted, lost }: DiscardResult,
  dry = false,
): string {
  const was = dry ? 'would be' : 'was';
  const what =
    state === 'there'
      ? `The worktree ${folder} ${was} removed`
      : state === 'gone'
        ? `The worktree ${folder} was gone already, and git's note of it ${was} removed`
        : `The worktree ${folder} was removed before`;
  const end =
    commit === undefined
      ? `; its branch ${branch} is gone as well`
      : branch_deleted
        ? `, and its branch ${branch} ${dry ? 'would be' : 'was'} deleted. \`git branch ${shellWord(branch)} ${commit}\` brings that back`
        : `; its branch ${branch} stays`;
  const with_it = lost === undefined ? '' : ` ${dry ? 'Lost would be' : 'With it went'}: ${lost}.`;
  return `${what}${end}.${with_it}`;
}
