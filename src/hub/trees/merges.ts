import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { shellWord } from '../../base/shell.ts';
import { type MergeState, merge, mergedCommit, processesOf, settleMerge } from '../../git/merge.ts';
import { planMerge } from '../../git/merge-plan.ts';
import type { PerRepository } from '../../git/per-repository.ts';
import { placeOf, tipOf, type WorkingPlace } from '../../git/place.ts';
import { keptWords, underWay, whatKeeps } from '../../git/removable.ts';
import { listWorktrees, movedTo } from '../../git/repository.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import type { JobRecord, Worktree } from '../../job/record.ts';
import type { MergeParams, MergeResult } from '../../operations/merge.ts';
import { MERGE_VARIABLES } from '../../settings/table.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { Intent, Intents } from './intents.ts';
import { checkEnded, gitEnvironment, treeOf } from './job-tree.ts';

type Target = WorkingPlace & { branch: string; head: string };
type Merged = Omit<MergeResult, 'record'>;

/** Brings the branches of jobs into other branches, and ends what a crash has left half done. */
export class Merges {
  readonly #with;

  constructor(parts: { registrar: Registrar; intents: Intents; perRepository: PerRepository }) {
    this.#with = parts;
  }

  /**
   * Merges the branch of a job into the one that is checked out in a worktree of its repository.
   * @throws MamError `conflict`, `refused` or `bad_input` with what is in the way; then nothing has changed
   */
  async merge(params: MergeParams): Promise<MergeResult> {
    const { registrar, perRepository } = this.#with;
    const job = await registrar.findOwn(params.job_id, params.registry_dir);
    const tree = treeOf(job.record);
    const into = params.into ?? params.cwd;
    if (into === undefined)
      throw new MamError('bad_input', 'It is not said where the work is to go.', 'Give `into`: a worktree.');
    return perRepository.run(tree.repository, async () => {
      const how = gitEnvironment(params.env);
      await this.#endLast(tree, how);
      const merged = await this.#merge(job, tree, { ...params, into }, how);
      return { record: job.record, ...merged };
    });
  }

  /**
   * Looks at merges that had begun when the last hub ended. One that has reached its end is recorded; any other waits
   * until someone merges again, because only they know whether they have gone on by hand meanwhile.
   */
  async lookAtLast(job: LiveJob): Promise<void> {
    const { intents, perRepository } = this.#with;
    const intent = intents.of(job.id);
    if (intent?.kind !== 'merge' || processesOf(intent.merge).length > 0) return;
    await perRepository.run(intent.repository, async () => {
      const commit = await mergedCommit(intent.merge, gitEnvironment());
      if (commit === undefined || intents.of(job.id) === undefined) return;
      await settleMerge(intent.merge, { isWhole: false }, gitEnvironment());
      await this.#record(job, intent.merge.into, commit, intent.by);
      intents.remove(job.id);
    });
  }

  /** Ends the merges in this repository that a crash has left half done. @throws MamError `unavailable` while one still runs */
  async #endLast({ repository }: Worktree, how: GitEnvironment): Promise<void> {
    const { intents } = this.#with;
    for (const id of intents.jobs) {
      const intent = intents.of(id);
      if (intent?.kind !== 'merge' || !isSamePlace(intent.repository, repository)) continue;
      const running = processesOf(intent.merge);
      if (running.length > 0)
        throw new MamError(
          'unavailable',
          `A merge of job ${id} that was begun before still runs (process ${running.join(', ')}).`,
          'Try again when it has ended.',
        );
      const state = await this.#settle(intent, how);
      const job = state.kind === 'merged' ? await this.#jobOf(id, intent.registry_dir) : undefined;
      if (state.kind === 'merged' && job !== undefined)
        await this.#record(job, intent.merge.into, state.commit, intent.by);
      intents.remove(id);
    }
  }

  /** Where the worktree that was to get the work is gone, nothing of the merge is left to undo. */
  async #settle(
    { merge: intent, repository }: Intent & { kind: 'merge' },
    how: GitEnvironment,
  ): Promise<MergeState> {
    const { target } = intent;
    if (existsSync(target)) return settleMerge(intent, { isWhole: false }, how);
    const listed = await listWorktrees(repository, how);
    if (!listed.some(({ folder }) => folder === target || isSamePlace(folder, target)))
      return { kind: 'undone', left: [] };
    throw new MamError(
      'not_found',
      `A merge into ${target} was begun before and has not ended, and that worktree is gone.`,
      `Bring it back, or let git forget it: \`git -C ${shellWord(repository)} worktree prune\`. Then merge again.`,
    );
  }

  /** The job of a merge that a crash has left; undefined if the job was removed since. */
  async #jobOf(id: string, registryDir: string): Promise<LiveJob | undefined> {
    try {
      return await this.#with.registrar.findOwn(id, registryDir);
    } catch (error) {
      if (error instanceof MamError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async #merge(
    job: LiveJob,
    tree: Worktree,
    { into: folder, committed_only, force, by = 'supervisor' }: MergeParams & { into: string },
    how: GitEnvironment,
  ): Promise<Merged> {
    const { intents } = this.#with;
    const { record } = job;
    const { branch, repository } = tree;
    checkEnded(record, `${branch} may still change`);
    checkOutcome(record, force === true);
    const place = await targetOf(folder, tree, how);
    const into = place.branch;
    const tip = await tipOf(repository, branch, how);
    if (tip === undefined)
      throw noBranch(record, branch, await placeOf(tree.folder, how).catch(() => undefined));
    if (committed_only !== true) await checkCommitted(record, tree, how);
    const said = { branch, into, folder: place.top };
    const plan = await planMerge(place, tip, { branch, into, folder: tree.folder }, how);
    if (plan.kind === 'merged' && tip === tree.base) return { ...said, commit: tip, how: 'nothing' };
    if (plan.kind === 'merged') {
      const commit = (await mergedCommit({ target: place.top, into, before: tree.base, tip }, how)) ?? tip;
      const { merged } = record;
      // Someone may have merged it by hand.
      if (merged?.into !== into || merged.commit !== commit) await this.#record(job, into, commit, by);
      return { ...said, commit, how: 'already' };
    }
    checkNothingBegun(place);
    const { before, after, kind } = plan;
    const mark = `${MERGE_VARIABLES.mark}=${randomUUID()}`;
    const message = `Merge branch '${branch}' into ${into}\n\nThe work of job ${job.id}.`;
    const intent = { target: place.top, into, before, tip, after, message, mark, at: Date.now() };
    await intents.put(job.id, {
      ...{ kind: 'merge', registry_dir: job.registryDir, repository, by, merge: intent },
    });
    const output = intents.output(job.id);
    const done = await merge(intent, { kind, output }, how).catch((error: unknown) => {
      // While it is not known how far it has come, the note stays for the next one.
      if (error instanceof MamError && error.code === 'refused') intents.remove(job.id);
      throw error;
    });
    await this.#record(job, into, done.commit, by);
    intents.remove(job.id);
    return { ...said, commit: done.commit, how: kind, ...(done.said !== '' && { said: done.said }) };
  }

  async #record(job: LiveJob, into: string, commit: string, by: 'supervisor' | 'person'): Promise<void> {
    const detail = `Its branch is in ${into}, with ${commit.slice(0, 10)}.`;
    await this.#with.registrar.note(job, 'merged', { source: by, detail, data: { into, commit } });
  }
}

/** @throws MamError `refused` for a job that has not completed, unless it is asked for all the same */
function checkOutcome({ job_id, status, reason }: JobRecord, force: boolean): void {
  if (status === 'completed' || force) return;
  const why = reason === undefined ? status : `${status}: ${reason}`;
  throw new MamError(
    'refused',
    `Job ${job_id} has not completed its work (${why}).`,
    `Look at it with \`mam diff ${job_id}\`. To merge it all the same, add --force.`,
  );
}

/** The worktree that gets the work. @throws MamError `refused` for one that can't */
async function targetOf(folder: string, tree: Worktree, how: GitEnvironment): Promise<Target> {
  const place = await placeOf(folder, how).catch((error: unknown) => {
    // A folder that is not there.
    if (error instanceof MamError) throw error;
    return undefined;
  });
  const { branch, repository } = tree;
  if (place === undefined || !isSamePlace(place.repository, repository))
    throw new MamError(
      'refused',
      `${folder} is in no worktree of ${repository}, where ${branch} is.`,
      'Go to the worktree that is to get the work, or name it with --into.',
    );
  if (isSamePlace(place.top, tree.folder) || place.branch === branch)
    throw new MamError(
      'refused',
      `${place.top} is the worktree of the job itself.`,
      'Go to the worktree that is to get the work, or name it with --into.',
    );
  if (place.branch === undefined)
    throw new MamError(
      'refused',
      `No branch is checked out in ${place.top} (HEAD is detached), so nobody would find the merge again.`,
      `Check one out there: \`git -C ${shellWord(place.top)} switch BRANCH\`.`,
    );
  if (place.head === undefined)
    throw new MamError(
      'refused',
      `${place.branch} in ${place.top} has no commit yet.`,
      'Commit there first.',
    );
  return { ...place, branch: place.branch, head: place.head };
}

/** @throws MamError `conflict` while something that a person has begun is half done where the work is to go */
function checkNothingBegun({ top, gitFolder }: Target): void {
  const begun = underWay(gitFolder);
  if (begun.length === 0) return;
  throw new MamError(
    'conflict',
    `${top} has ${keptWords(begun)}. Nothing was changed.`,
    `\`git -C ${shellWord(top)} status\` says how to end that. Then merge again.`,
  );
}

/** @throws MamError `refused` if the worktree of a job has something that a merge of its branch would leave out */
async function checkCommitted(record: JobRecord, tree: Worktree, how: GitEnvironment): Promise<void> {
  const { folder, branch } = tree;
  const moved = await movedTo(tree, how);
  if (moved !== undefined) return checkCommitted(record, { ...tree, folder: moved }, how);
  const place = await placeOf(folder, how).catch(() => undefined);
  // It was removed: what its branch has is all there is.
  if (place === undefined || !isSamePlace(place.top, folder)) return;
  const step = `To merge only what ${branch} has, add --committed-only.`;
  if (place.branch !== branch)
    throw new MamError(
      'refused',
      `${folder} is no longer on ${branch} but on ${place.branch ?? 'no branch'}, so its work may be elsewhere.`,
      step,
    );
  const left = (await whatKeeps(tree, how)).filter(({ kind }) =>
    ['changes', 'untracked', 'hidden', 'under_way'].includes(kind),
  );
  if (left.length === 0) return;
  throw new MamError(
    'refused',
    `The worktree of job ${record.job_id} has ${keptWords(left)} that ${branch} does not have.`,
    `Commit them there: \`git -C ${shellWord(folder)} add -A && git -C ${shellWord(folder)} commit\`. ${step}`,
  );
}

/** @param place its worktree, if that is still there */
function noBranch(
  { job_id, discarded }: JobRecord,
  branch: string,
  place: WorkingPlace | undefined,
): MamError {
  const commit = discarded?.commit ?? place?.head;
  const back = `\`git branch ${shellWord(branch)} ${commit}\` brings it back.`;
  const isOther = place?.branch !== undefined && place.branch !== branch;
  const other = `Its worktree is on ${place?.branch} now: \`git merge ${shellWord(place?.branch ?? '')}\` merges that.`;
  const known = commit === undefined ? `\`mam logs ${job_id}\` shows what is known.` : back;
  return new MamError('not_found', `The branch ${branch} of job ${job_id} is gone.`, isOther ? other : known);
}
