import { MamError } from '../../base/errors.ts';
import { processesIn } from '../../base/processes.ts';
import { realPlace } from '../../base/real-place.ts';
import { shellWord } from '../../base/shell.ts';
import { deleteBranch, lookAtWorktree, removeWorktree, type WorktreeLook } from '../../git/discard.ts';
import type { PerRepository } from '../../git/per-repository.ts';
import { type Keeper, keptWords } from '../../git/removable.ts';
import { movedTo } from '../../git/repository.ts';
import { releaseWorktree } from '../../git/worktree-make.ts';
import type { JobRecord, Worktree } from '../../job/record.ts';
import type { DiscardParams, DiscardResult } from '../../operations/discard.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { Intents } from './intents.ts';
import { checkEnded, gitEnvironment, treeOf } from './job-tree.ts';

/** What no --force overrules: someone is at work there, or has asked git to keep it. */
const NEVER: readonly Keeper['kind'][] = ['in_use', 'locked'];

/** Removes the worktrees of jobs, and their branches if that is asked for. */
export class Discards {
  readonly #with;

  constructor(parts: { registrar: Registrar; intents: Intents; perRepository: PerRepository }) {
    this.#with = parts;
  }

  /**
   * Removes the worktree of a job. Repeated after a crash, it goes on where that one has ended.
   * @throws MamError `conflict` while the job or anything else works there, `refused` with what would be lost
   */
  async discard(params: DiscardParams): Promise<DiscardResult> {
    const { registrar, perRepository } = this.#with;
    const job = await registrar.findOwn(params.job_id, params.registry_dir);
    const tree = treeOf(job.record);
    return perRepository.run(tree.repository, () => this.#discard(job, tree, params));
  }

  async #discard(job: LiveJob, tree: Worktree, params: DiscardParams): Promise<DiscardResult> {
    const { intents } = this.#with;
    const { force = false, branch: withBranch = false, by = 'supervisor', dry_run: dry = false } = params;
    const { folder, branch, repository } = tree;
    const how = gitEnvironment(params.env);
    checkEnded(job.record, `its worktree ${folder} stays`);
    const last = intents.of(job.id);
    if (last?.kind === 'merge')
      throw new MamError(
        'conflict',
        `A merge of job ${job.id} was begun and has not ended.`,
        `End it first: \`mam merge ${job.id}\`.`,
      );
    checkNobody(job.record, folder);
    const moved = await movedTo(tree, how);
    if (moved !== undefined) throw hasMoved(tree, moved);
    // A hub that was killed while it gave the worktree up has left its lock.
    await releaseWorktree({ ...tree, jobId: job.id }, how);
    const look = await lookAtWorktree(tree, last?.at, how);
    const losses = lossesOf(look, withBranch);
    const kept = losses.filter(({ kind }) => !force || NEVER.includes(kind));
    if (kept.length > 0) throw refusal(job.record, tree, kept, look);
    const { tip, state } = look;
    // What only its branch has stays with the branch.
    const lost = losses.filter(({ kind }) => withBranch || kind !== 'unmerged');
    const result = {
      ...{ state: state === 'part' ? ('there' as const) : state, folder, branch, commit: tip },
      branch_deleted: withBranch && tip !== undefined,
      ...(lost.length > 0 && { lost: lossWords(lost, look) }),
    };
    const isDone = state === 'none' && !result.branch_deleted && job.record.discarded !== undefined;
    if (dry || isDone) return { record: job.record, ...result };
    const commit = result.branch_deleted ? tip : undefined;
    await intents.put(job.id, {
      ...{ kind: 'discard', registry_dir: job.registryDir, repository, by },
      ...{ at: last?.at ?? Date.now(), branch, commit },
    });
    await removeWorktree(tree, look, force, how);
    if (commit !== undefined) await deleteBranch(repository, branch, commit, how);
    await this.#record(job, branch, commit ?? lastDeleted(last, tip), by);
    intents.remove(job.id);
    return { record: job.record, ...result };
  }

  async #record(
    job: LiveJob,
    branch: string,
    commit: string | undefined,
    by: 'supervisor' | 'person',
  ): Promise<void> {
    const also = commit === undefined ? `${branch} stays` : `${branch} was deleted at ${commit}`;
    const data = commit === undefined ? {} : { branch, commit };
    const detail = `Its worktree was removed; ${also}.`;
    await this.#with.registrar.note(job, 'discarded', { source: by, detail, data });
  }
}

/** The commit of a branch that was deleted before a crash, and so is not recorded yet. */
function lastDeleted(last: ReturnType<Intents['of']>, tip: string | undefined): string | undefined {
  return last?.kind === 'discard' && tip === undefined ? last.commit : undefined;
}

/** What goes with the worktree, and with the branch if that goes as well. */
function lossesOf({ keepers, isUnmerged, state, tip }: WorktreeLook, withBranch: boolean): Keeper[] {
  const isSaid = keepers.some(({ kind }) => kind === 'unmerged' || kind === 'lost');
  const isLost = withBranch && isUnmerged && tip !== undefined && !isSaid && state !== 'there';
  return isLost ? [...keepers, { kind: 'unmerged', what: 'commits that no other branch has' }] : keepers;
}

function lossWords(losses: readonly Keeper[], { head, tip }: WorktreeLook): string {
  const isElsewhere = losses.some(({ kind }) => kind === 'lost') && head !== undefined && head !== tip;
  return keptWords(losses) + (isElsewhere ? `; \`git branch NAME ${head}\` brings the commits back` : '');
}

/** Someone works with the branch in another folder, perhaps with the worktree itself. */
function hasMoved({ folder, branch }: Worktree, moved: string): MamError {
  return new MamError(
    'refused',
    `The worktree ${folder} is gone, and ${branch} is checked out in ${moved} now. Nothing was removed.`,
    `If nobody needs it there: \`git worktree remove ${shellWord(moved)}\`.`,
  );
}

function refusal(
  { job_id }: JobRecord,
  { folder, branch }: Worktree,
  kept: readonly Keeper[],
  { head, tip }: WorktreeLook,
): MamError {
  const isLocked = kept.some(({ kind }) => kind === 'locked');
  // The agent may work on another branch by now, or on none.
  const isOnBranch = tip !== undefined && tip === head;
  const hasWork = kept.some(({ kind }) => kind === 'unmerged' || kind === 'lost');
  const steps = [
    ...(isLocked ? [`\`git worktree unlock ${shellWord(folder)}\` takes the lock away.`] : []),
    `\`mam diff ${job_id}\` shows the work${hasWork && isOnBranch ? `, \`mam merge ${job_id}\` merges it` : ''}.`,
    ...(hasWork && !isOnBranch ? [`\`git branch NAME ${head}\` gives its commits a branch.`] : []),
    ...(isLocked ? [] : ['To remove it all the same, add --force.']),
  ];
  return new MamError(
    'refused',
    `The worktree ${folder} of job ${job_id} was not removed: it has ${keptWords(kept)}. ${branch} was not touched either.`,
    steps.join(' '),
  );
}

/** @throws MamError `conflict` while a process works in the folder */
function checkNobody(record: JobRecord, folder: string): void {
  const pids = processesIn(realPlace(folder));
  if (pids.length === 0) return;
  const { agent_process: agent, agent_session: session } = record;
  const isAgent = agent !== undefined && pids.some((pid) => pid === agent.pid || pid === agent.pane_pid);
  const who =
    isAgent && session !== undefined
      ? `its agent still runs there, in session ${session.session}`
      : `${pids.length === 1 ? 'a process works' : 'processes work'} there (${pids.slice(0, 5).join(', ')})`;
  const step =
    isAgent && session !== undefined
      ? `End it with \`mam stop ${session.session}\`, then try again.`
      : 'End them or let them go elsewhere, then try again.';
  throw new MamError('conflict', `The worktree ${folder} was not removed: ${who}.`, step);
}
