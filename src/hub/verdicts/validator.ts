import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { orElse } from '../../base/or-else.ts';
import { cleanLine } from '../../base/text.ts';
import { outputTail, runScript, scriptEnvironment } from '../../checks/script.ts';
import { isAsDelegated, scriptIdentity } from '../../checks/script-hash.ts';
import { ScriptWatch } from '../../checks/script-watch.ts';
import type { Undecided } from '../../job/check.ts';
import { SCRIPT_CHANGED } from '../../job/messages.ts';
import type { Validation } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { readText } from '../../registry/texts.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { logPlace } from '../notify/outlets.ts';
import type { RunningChecks } from './running-checks.ts';

/** The exit code of a script that may not be run, as in shells. */
const NOT_RUN = 126;
const PROBLEM_CHARS = 1_000;

type Verdict = { output: string; detail?: string; script_changed?: true } & (
  | { passed: boolean; exit_code: number }
  | { outcome: Undecided; problem: string }
);

/** A script was ended at once, because it could not be noted. */
class Unnoted extends Error {}

/** Runs the script of a job that its peer has reported as completed, and records the verdict. */
export class Validator {
  readonly #with;
  readonly #running = new Map<string, AbortController>();
  /** Jobs whose check waits until it can be noted. */
  readonly #waiting = new Set<LiveJob>();

  constructor(parts: { registrar: Registrar; checks: RunningChecks; log: Log }) {
    this.#with = parts;
  }

  /** True while checks run, or wait to. */
  get hasWork(): boolean {
    return this.#running.size + this.#waiting.size > 0;
  }

  /** Starts a script when a job's validation begins, and ends it when the job ends in another way. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (after.phase === 'validating') this.#start(job);
    else {
      this.#waiting.delete(job);
      if (isFinal(after.status)) this.#running.get(job.id)?.abort();
    }
  }

  /** Runs every second: retries the waiting checks. */
  retryWaiting(): void {
    for (const job of this.#waiting) if (!job.isRetired) this.resume(job);
  }

  /** Ends what a dead hub left running. Called before this hub runs anything. */
  endLeft(): void {
    this.#with.checks.endLeft();
  }

  /** Takes up a validation that the last hub did not finish. */
  resume(job: LiveJob): void {
    if (job.record.phase === 'validating') this.#start(job);
  }

  /** Ends the running scripts; the next hub runs them again. */
  stop(): void {
    for (const run of this.#running.values()) run.abort();
  }

  #start(job: LiveJob): void {
    // Its verdict may be known but not written yet.
    if (this.#running.has(job.id) || this.#with.registrar.isHolding(job)) return;
    const run = new AbortController();
    this.#running.set(job.id, run);
    void this.#validate(job, run.signal)
      .finally(() => this.#running.delete(job.id))
      // A claim may have come at the same time as the verdict.
      .then((isSaid) => isSaid && !run.signal.aborted && this.resume(job));
  }

  /** @returns true when its verdict is on the disk */
  async #validate(job: LiveJob, stop: AbortSignal): Promise<boolean> {
    const { validation } = job.record;
    if (validation === undefined) return false;
    try {
      // Without this, the next hub could not end the script if this one is killed.
      this.#with.checks.reserve(job.id);
    } catch (error) {
      return this.#wait(job, error);
    }
    const data = await this.#verdict(job, validation, stop);
    if (stop.aborted) return false;
    if (data instanceof Unnoted) return this.#wait(job, data.cause);
    this.#waiting.delete(job);
    const { detail, output, ...verdict } = data;
    const recorded = await this.#with.registrar.note(job, 'validated', {
      ...(detail !== undefined && { detail }),
      data: { ...verdict, output_tail: outputTail(output) },
    });
    return recorded !== undefined;
  }

  /** `MAM_HOME` can't be written now, which says nothing about the work or the check. */
  #wait(job: LiveJob, error: unknown): false {
    if (!this.#waiting.has(job))
      this.#with.log.error(`the check of ${job.id} waits until MAM_HOME can be written`, error);
    this.#waiting.add(job);
    return false;
  }

  async #verdict(job: LiveJob, validation: Validation, stop: AbortSignal): Promise<Verdict | Unnoted> {
    const { script, timeout_seconds: timeoutSeconds } = validation;
    let watch: ScriptWatch | undefined;
    try {
      watch = new ScriptWatch(script);
      const before = scriptIdentity(script);
      if (!isAsDelegated(validation)) return changed('so it was not run.', '');
      const { path_sha256: hash } = validation;
      const path = hash === undefined ? validation.path : readText(job.paths.texts, hash);
      const { code, output, cutOffAfter } = await runScript({
        script,
        workdir: job.record.workdir,
        logFile: logFileOf(job),
        timeoutSeconds,
        stop,
        started: (pid, mark) => {
          try {
            this.#with.checks.begin(job.id, pid, mark);
          } catch (cause) {
            throw new Unnoted('not noted', { cause });
          }
          void this.#with.registrar.noteNow(job, 'validating');
        },
        env: scriptEnvironment(job.registryDir, job.id, { ...validation, path }),
      });
      if (scriptIdentity(script) !== before || (await watch.saw()))
        return changed('while it was running: its verdict does not count.', output);
      const problem = `It did not finish within ${cutOffAfter} s and was ended.`;
      if (cutOffAfter !== undefined) return undecided('could_not_finish', problem, output);
      return { passed: code === 0, exit_code: code, output };
    } catch (error) {
      if (error instanceof Unnoted) return error;
      return undecided('could_not_run', cleanLine(explain(error), PROBLEM_CHARS), '');
    } finally {
      watch?.end();
      this.#with.checks.end(job.id);
    }
  }
}

/** The verdict does not count: the script is not the one that was delegated. */
function changed(how: string, output: string): Verdict {
  const detail = `${SCRIPT_CHANGED}, ${how}`;
  return { passed: false, exit_code: NOT_RUN, script_changed: true, detail, output };
}

/** A run without a verdict on the work. */
function undecided(outcome: Undecided, problem: string, output: string): Verdict {
  const how = outcome === 'could_not_run' ? 'could not run' : 'could not finish';
  const detail = `The peer says that the work is done, but the check ${how}: ${problem} Does the work count all the same?`;
  return { outcome, problem, detail, output };
}

/** The log file, if its folder is still ours: a verdict counts even without a log. */
function logFileOf(job: LiveJob): string | undefined {
  return orElse(() => {
    logPlace(job).check();
    return join(job.record.log_dir, 'validate.log');
  }, undefined);
}
