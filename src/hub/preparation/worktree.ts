import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explain, MamError } from '../../base/errors.ts';
import { orElse } from '../../base/or-else.ts';
import { sendSignal } from '../../base/processes.ts';
import { sha256 } from '../../base/sha256.ts';
import { cleanLine } from '../../base/text.ts';
import { outputTail, runScript, scriptEnvironment } from '../../checks/script.ts';
import type { PerRepository } from '../../git/per-repository.ts';
import { commitOf } from '../../git/place.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import { makeWorktree, releaseWorktree, type WorktreeOrder } from '../../git/worktree-make.ts';
import type { JobOrder, Worktree } from '../../job/record.ts';
import type { Home } from '../../registry/home.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { CHECK_VARIABLES, WORKTREE_VARIABLES } from '../../settings/table.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { logPlace } from '../notify/outlets.ts';
import type { HeldJob, HeldParams } from './held-job.ts';
import type { Passed, Step } from './step.ts';

/** How much of a script's output a job's end carries, in characters: the log has the rest. */
const TAIL_CHARS = 900;
const WORDS_CHARS = 300;
const SHORT = 12;

/** Notes of what runs, so that the next hub ends what this one leaves behind. */
interface Running {
  reserve(jobId: string): void;
  begin(jobId: string, pid: number, mark: string): void;
  end(jobId: string): void;
}

/**
 * Makes the git worktree of a job, and runs the project's set-up script in it. If the hub is killed, the next one completes
 * the worktree, and runs the script again from its beginning.
 */
export class MakeWorktree implements Step {
  readonly name = 'worktree';
  readonly blockedBy = 'setup';
  readonly failure = 'setup_failed';
  readonly #with: { home: Home; running: Running; perRepository: PerRepository };

  constructor(parts: { home: Home; running: Running; perRepository: PerRepository }) {
    this.#with = parts;
  }

  isNeeded({ worktree }: JobOrder): boolean {
    return worktree !== undefined;
  }

  async run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<Passed> {
    const { worktree } = job.record;
    if (worktree === undefined) return {};
    const { folder, branch, setup } = worktree;
    await held.waits('setup', `Its worktree ${folder} is being made.`);
    const order = await this.#orderOf(job, held, worktree);
    const how = { env: environmentOf(held.params) };
    const { base, problem } = await this.#noted(job, signal, (run) =>
      this.#with.perRepository.run(order.repository, async () => {
        signal.throwIfAborted();
        const env = { ...how.env, [CHECK_VARIABLES.mark]: run.mark };
        return makeWorktree(order, this.#output(job), { env, started: run.started });
      }),
    );
    signal.throwIfAborted();
    if (setup !== undefined)
      await this.#setUp(job, held, { ...worktree, base, setup }, signal).catch(async (error: unknown) => {
        // Nobody goes on with it, so a person may remove it. A lock that stays is named by whoever tries.
        if (!signal.aborted) await releaseWorktree(order, how).catch(() => undefined);
        throw error;
      });
    await releaseWorktree(order, how);
    const hook = problem === undefined ? '' : ` Git said: ${cleanLine(problem, WORDS_CHARS)}`;
    const detail = `It has the worktree ${folder}, with the branch ${branch} from ${base.slice(0, SHORT)}.${hook}`;
    return { detail, data: { commit: base } };
  }

  /** A job that has waited for others begins at what its base is by now: once decided, that is kept. */
  async #orderOf(job: LiveJob, held: HeldJob, tree: Worktree): Promise<WorktreeOrder> {
    const { folder, branch, base, repository, new_branch = false } = tree;
    const order = { folder, branch, base, repository, new_branch, jobId: job.id };
    const named = held.params.base;
    if (job.record.after === undefined || named === undefined || !new_branch) return order;
    // HEAD is another one in each worktree.
    const { from = repository } = held.params;
    const commit = await commitOf(existsSync(from) ? from : repository, named, {
      env: environmentOf(held.params),
    });
    if (commit === undefined) return order;
    if (commit !== named) await held.change({ base: commit });
    return { ...order, base: commit };
  }

  async #setUp(
    job: LiveJob,
    held: HeldJob,
    tree: Worktree & { setup: NonNullable<Worktree['setup']> },
    signal: AbortSignal,
  ): Promise<void> {
    const { script, script_sha256: hash } = tree.setup;
    const { folder, branch, base } = tree;
    const left = `The worktree ${folder} stays: look at it, then \`mam discard ${job.id}\`.`;
    if (orElse(() => sha256(readFileSync(script)), undefined) !== hash)
      throw new MamError(
        'refused',
        `${script} has changed since the job was delegated, so it was not run.`,
        left,
      );
    await held.waits('setup', `${script} sets up its worktree ${folder}.`);
    const log = logFileOf(job);
    const { path, virtual_env } = held.params;
    const end = await this.#noted(job, signal, ({ mark: _, ...run }) =>
      runScript({
        script,
        workdir: folder,
        logFile: log,
        stop: signal,
        started: run.begin,
        env: {
          ...scriptEnvironment(job.registryDir, job.id, { path, virtual_env }),
          [WORKTREE_VARIABLES.folder]: folder,
          [WORKTREE_VARIABLES.branch]: branch,
          [WORKTREE_VARIABLES.base]: base,
        },
      }),
    ).catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new MamError('unavailable', `The worktree could not be set up: ${explain(error)}`, left);
    });
    signal.throwIfAborted();
    if (end.code === 0 && end.cutOffAfter === undefined) return;
    const how =
      end.cutOffAfter === undefined ? `ended with ${end.code}` : `did not finish within ${end.cutOffAfter} s`;
    const said = outputTail(end.output).slice(-TAIL_CHARS).trim();
    const words = said === '' ? 'It has printed nothing.' : `Its last words: ${said}`;
    throw new MamError(
      'refused',
      `${script} ${how}. ${words}`,
      log === undefined ? left : `All of it: ${log}. ${left}`,
    );
  }

  /** Runs something that the next hub ends if this one is killed meanwhile, and that ends with the job. */
  async #noted<T>(
    job: LiveJob,
    signal: AbortSignal,
    act: (run: {
      mark: string;
      started: (pid: number) => void;
      begin: (pid: number, mark: string) => void;
    }) => Promise<T>,
  ): Promise<T> {
    const { running } = this.#with;
    const mark = randomUUID();
    let stop = (): void => {};
    running.reserve(job.id);
    try {
      return await act({
        mark,
        started: (pid) => {
          running.begin(job.id, pid, mark);
          // Git then removes what it has made.
          stop = () => sendSignal(-pid, 'SIGTERM');
          signal.addEventListener('abort', stop, { once: true });
        },
        begin: (pid, own) => running.begin(job.id, pid, own),
      });
    } finally {
      signal.removeEventListener('abort', stop);
      running.end(job.id);
      rmSync(this.#output(job), { force: true });
    }
  }

  #output(job: LiveJob): string {
    return join(this.#with.home.held, `${job.id}.git.log`);
  }
}

/** The log file, if its folder is still ours. */
function logFileOf(job: LiveJob): string | undefined {
  return orElse(() => {
    logPlace(job).check();
    return join(job.record.log_dir, 'setup.log');
  }, undefined);
}

/** What git and its hooks run with: little, and the caller's PATH. */
function environmentOf({ path }: HeldParams): GitEnvironment['env'] {
  return { ...scrubbedEnvironment(), ...(path !== undefined && { PATH: path }) };
}
