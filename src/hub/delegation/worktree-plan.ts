import { builtIn, human } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { planWorktree } from '../../git/worktree-plan.ts';
import type { JobOrder, Worktree } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { setupAround } from '../../settings/worktree-setup.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { programOf } from '../sessions/agent-program.ts';

/** A job's worktree before it is made. */
export interface TreePlan {
  worktree: Worktree;
  /** The caller's folder in it: the job's working folder. */
  workdir: string;
  /** The caller's folder itself, where the base is named. */
  from: string;
  warnings: string[];
}

/**
 * Decides on the worktree of a job; nothing is made.
 * @param home `MAM_HOME`
 * @returns undefined for a job without one
 * @throws MamError for one that can't be made, and `refused` for a set-up script that is not trusted
 */
export async function treePlan(
  params: DelegateParams,
  jobId: string,
  home: string,
): Promise<TreePlan | undefined> {
  const { worktree: wanted, base, workdir, worktrees, path } = params;
  if (wanted === undefined) {
    if (base === undefined) return undefined;
    const step = 'Add worktree (`--worktree`), or leave out base (`--base`).';
    throw new MamError('bad_input', 'A base needs a worktree.', step);
  }
  const env = { ...scrubbedEnvironment(), ...(path !== undefined && { PATH: path }) };
  const plan = await planWorktree({ workdir, branch: wanted, jobId, base, worktrees }, { env });
  const setup = await trustedSetup(workdir, home);
  const { workdir: within, warnings, ...worktree } = plan;
  return {
    worktree: { ...worktree, ...(setup !== undefined && { setup }) },
    ...{ workdir: within, from: workdir, warnings },
  };
}

/** The project's set-up script, as it is trusted. @throws MamError `refused` for one that is not */
async function trustedSetup(workdir: string, home: string): Promise<Worktree['setup']> {
  const { path, state, sha256, why } = await setupAround(workdir, home);
  if (state === 'absent') return undefined;
  if (state === 'trusted' && sha256 !== undefined) return { script: path, script_sha256: sha256 };
  if (state === 'invalid')
    throw new MamError(
      'refused',
      `The project's set-up script for worktrees, ${path}, can't be used: ${why}.`,
      'Put a plain file of your own in its place, or remove it.',
    );
  const not = state === 'changed' ? 'has changed since you trusted it' : 'is not trusted';
  throw new MamError(
    'refused',
    `The project's set-up script for worktrees, ${path}, ${not}: it could run anything, and may come with a clone.`,
    'Tell your user: only a person should accept it, with `mam trust` in the project, after `mam trust --show`.',
  );
}

/** @throws MamError `conflict` for an agent that runs already: it can't move into a worktree */
export function checkCanMove({ agent, terminal, agent_session: session, worktree }: DelegateParams): void {
  // One that only a person starts is told where to work.
  const isStarted = builtIn(agent) !== human && programOf(agent, terminal) !== undefined;
  if (worktree === undefined || !isStarted) return;
  throw new MamError(
    'conflict',
    `The agent in ${session} runs already, in a folder of its own: it can't move into the job's worktree.`,
    'Leave out agent_session (`--agent-session`): an agent is then started in the worktree. Or name a session that does not exist yet.',
  );
}

/**
 * Checks that no other job is about to get the same worktree or branch: git knows only of those that are made.
 * @throws MamError `conflict` with that job
 */
export function checkUnclaimed({ worktree: own }: JobOrder, open: readonly LiveJob[]): void {
  if (own === undefined) return;
  const other = open.find(({ record: { worktree, status } }) => {
    if (worktree === undefined || isFinal(status)) return false;
    const isSameBranch = worktree.repository === own.repository && worktree.branch === own.branch;
    return isSameBranch || worktree.folder === own.folder;
  });
  if (other === undefined) return;
  const { branch, folder } = other.record.worktree ?? own;
  throw new MamError(
    'conflict',
    `Job ${other.id} has the branch ${branch} and the worktree ${folder}.`,
    'Give another branch, and that one as base (`--base`) if the work builds on it.',
  );
}
