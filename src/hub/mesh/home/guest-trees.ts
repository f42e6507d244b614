import type { MamError } from '../../../base/errors.ts';
import type { JobRecord } from '../../../job/record.ts';
import type { DiscardResult } from '../../../operations/discard.ts';
import type { MergeResult } from '../../../operations/merge.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import { worktreeTop } from '../../trees/job-tree.ts';
import type { Trees } from '../../trees/trees.ts';
import type { AskParams } from './ask-params.ts';
import { recordFor } from './pages.ts';
import { checkChanges, type Guest, workdirFor } from './policy.ts';

type Result = Record<string, unknown>;

/** What another host may do with the work of its jobs here: see it, merge it and discard it, in this host's repositories. */
export class GuestTrees {
  readonly #trees: Trees;

  constructor(trees: Trees) {
    this.#trees = trees;
  }

  /** @throws MamError as `Trees.diff`, and `refused` for a folder that the guest may not use */
  async diff(guest: Guest, job: LiveJob, { job_id: _, ...asked }: AskParams['diff']): Promise<Result> {
    const { worktree, changes } = job.record;
    // What it shows of a folder is everything in the repository, not only what the job has changed.
    if (worktree === undefined && changes !== undefined) workdirFor(guest, changes.top, () => changes.top);
    // The other hub has the record, and a page fills the message.
    return { ...(await this.#trees.diff({ ...asked, ...addressOf(job) })), record: undefined };
  }

  /** @throws MamError as `Trees.merge`, and `refused` if the guest may not change anything in that worktree */
  async merge(
    guest: Guest,
    job: LiveJob,
    { job_id: _, into, ...asked }: AskParams['merge'],
    askId: string,
  ): Promise<Result> {
    checkChanges(guest);
    if (into === undefined) throw noTarget(job.record);
    const folder = workdirFor(guest, into, () => into);
    // The merge changes all of the worktree that the folder is in.
    const top = await worktreeTop(folder);
    if (top !== undefined) workdirFor(guest, top, () => top);
    return sent(await this.#trees.merge({ ...asked, into: folder, ...addressOf(job) }, askId));
  }

  /** @throws MamError as `Trees.discard`, and `refused` if the guest may not change anything here */
  async discard(
    guest: Guest,
    job: LiveJob,
    { job_id: _, ...asked }: AskParams['discard'],
    askId: string,
  ): Promise<Result> {
    checkChanges(guest);
    return sent(await this.#trees.discard({ ...asked, ...addressOf(job) }, askId));
  }
}

function addressOf({ id, registryDir }: LiveJob) {
  return { job_id: id, registry_dir: registryDir };
}

function sent({ record, ...result }: MergeResult | DiscardResult): Result {
  return { ...result, record: recordFor(record) };
}

function noTarget({ worktree }: JobRecord): MamError {
  const where = worktree === undefined ? '' : `, of the repository ${worktree.repository}`;
  return plainError(
    'bad_input',
    'It is not said where the work is to go.',
    `Name a worktree there with --into${where}: the branch that is checked out in it gets the work.`,
  );
}
