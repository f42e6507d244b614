import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explain, MamError } from '../../base/errors.ts';
import { orElse } from '../../base/or-else.ts';
import { sha256 } from '../../base/sha256.ts';
import { cleanLine } from '../../base/text.ts';
import { outputTail, runScript, scriptEnvironment } from '../../checks/script.ts';
import type { PerRepository } from '../../git/per-repository.ts';
import { commitOf } from '../../git/place.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import {
  giveUpWorktree,
  makeWorktree,
  releaseWorktree,
  type WorktreeOrder,
} from '../../git/worktree-make.ts';
import type { JobOrder, Worktree } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { type Home, noteError } from '../../registry/home.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { CHECK_VARIABLES, WORKTREE_VARIABLES } from '../../settings/table.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { logPlace } from '../notify/outlets.ts';
import type { HeldJob, HeldParams } from './held-job.ts';
import { Leash } from './leash.ts';
import type { Passed, Step } from './step.ts';

/** How much of a script's output a job's end carries, in characters: the log has the rest. */
const TAIL_CHARS = 900;
const WORDS_CHARS = 300;
const SHORT = 12;
/** How long git may take, in ms: longer than any checkout, so that only a hook or a disk that hangs meets it. */
const GIT_LIMIT_MS = 30 * 60_000;

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
    const { folder, setup } = worktree;
    await held.waits('setup', `Its worktree ${folder} is being made.`);
    const order = await this.#orderOf(job, held, worktree, signal);
    const how = { env: environmentOf(held.params) };
    try {
      return await this.#make(job, held, { order, setup, how }, signal);
    } catch (error) {
      // Unless the hub ends, and the next one goes on: nobody will use it. A lock that stays is named by whoever tries.
      if (!signal.aborted || isFinal(job.record.status))
        await this.#leave(order, how, isFinal(job.record.status)).catch(() => undefined);
      throw error;
    }
  }

  async #make(
    job: LiveJob,
    held: HeldJob,
    { order, setup, how }: { order: WorktreeOrder; setup: Worktree['setup']; how: GitEnvironment },
    signal: AbortSignal,
  ): Promise<Passed> {
    const { folder, branch } = order;
    const { base, problem } = await this.#with.perRepository.run(order.repository, async () => {
      signal.throwIfAborted();
      return this.#byGit(job, held, { how, signal }, (run) => makeWorktree(order, this.#output(job), run));
    });
    signal.throwIfAborted();
    if (setup !== undefined) await this.#setUp(job, held, { ...order, base, setup }, signal);
    await releaseWorktree(order, how);
    const hook = problem === undefined ? '' : ` Git said: ${cleanLine(problem, WORDS_CHARS)}`;
    const detail = `It has the worktree ${folder}, with the branch ${branch} from ${base.slice(0, SHORT)}.${hook}`;
    return { detail, data: { commit: base } };
  }

  /** After a failure the worktree stays for a look; after a cancellation only if something has been written in it. */
  async #leave(order: WorktreeOrder, how: GitEnvironment, isCancelled: boolean): Promise<void> {
    await this.#with.perRepository.run(order.repository, () =>
      isCancelled ? giveUpWorktree(order, how) : releaseWorktree(order, how),
    );
  }

  /** A job that has waited for others begins at what its base is by now: once decided, that is kept. */
  async #orderOf(job: LiveJob, held: HeldJob, tree: Worktree, signal: AbortSignal): Promise<WorktreeOrder> {
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
    if (commit !== named) await held.change({ base: commit }, this.blockedBy, signal);
    return { ...order, base: commit };
  }

  async #setUp(
    job: LiveJob,
    held: HeldJob,
    tree: Pick<Worktree, 'folder' | 'branch' | 'base'> & { setup: NonNullable<Worktree['setup']> },
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
    const end = await this.#noted(job, held, signal, (begin) =>
      runScript({
        script,
        workdir: folder,
        logFile: log,
        stop: signal,
        started: begin,
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

  /**
   * Runs git, which ends with the job.
   * @throws MamError `unavailable` when it does not end in half an hour
   */
  async #byGit<T>(
    job: LiveJob,
    held: HeldJob,
    { how, signal }: { how: GitEnvironment; signal: AbortSignal },
    act: (how: GitEnvironment) => Promise<T>,
  ): Promise<T> {
    return this.#noted(job, held, signal, async (begin) => {
      const mark = randomUUID();
      const leash = new Leash({ mark, signal, limitMs: GIT_LIMIT_MS });
      try {
        return await act({
          env: { ...how.env, [CHECK_VARIABLES.mark]: mark },
          started: (pid) => {
            begin(pid, mark);
            leash.hold(pid);
          },
        });
      } catch (error) {
        if (!leash.isOver) throw error;
        throw new MamError(
          'unavailable',
          `Git did not end within ${GIT_LIMIT_MS / 60_000} minutes.`,
          'Run `git worktree add` by hand to see why: a hook (post-checkout) or a filter of the repository may hang.',
        );
      } finally {
        leash.release();
        rmSync(this.#output(job), { force: true });
      }
    });
  }

  /** Runs something that the next hub ends if this one is killed meanwhile. */
  async #noted<T>(
    job: LiveJob,
    held: HeldJob,
    signal: AbortSignal,
    act: (begin: (pid: number, mark: string) => void) => Promise<T>,
  ): Promise<T> {
    const { running, home } = this.#with;
    await held.untilWritten(this.blockedBy, signal, () => {
      try {
        running.reserve(job.id);
      } catch (error) {
        throw noteError(home, error);
      }
    });
    try {
      return await act((pid, mark) => running.begin(job.id, pid, mark));
    } finally {
      running.end(job.id);
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
