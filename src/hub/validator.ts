import { join } from 'node:path';
import { SCRIPT_CHANGED } from '../job/messages.ts';
import type { Validation } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { logPlace } from './outlets.ts';
import type { Registrar } from './registrar.ts';
import type { RunningChecks } from './running-checks.ts';
import { outputTail, runScript, scriptEnvironment } from './script.ts';
import { isAsDelegated, scriptIdentity } from './script-hash.ts';
import { ScriptWatch } from './script-watch.ts';

/** Exit codes of a script that may not be run, and of one that could not be started, as shells have them. */
const NOT_RUN = 126;
const NOT_STARTED = 127;

/** Runs the script of a job that its peer has called completed, and records the verdict. */
export class Validator {
  private readonly registrar: Registrar;
  private readonly checks: RunningChecks;
  private readonly running = new Map<string, AbortController>();

  constructor(registrar: Registrar, checks: RunningChecks) {
    this.registrar = registrar;
    this.checks = checks;
  }

  /** Starts a script when a job begins to be validated, and ends it when the job ends another way. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (after.phase === 'validating') this.start(job);
    else if (isFinal(after.status)) this.running.get(job.id)?.abort();
  }

  /** Ends what the last hub left running. Before this one runs anything. */
  endLeft(): void {
    this.checks.endLeft();
  }

  /** Takes up a validation that the last hub did not finish. */
  resume(job: LiveJob): void {
    if (job.record.phase === 'validating') this.start(job);
  }

  /** Ends what runs; the next hub runs it again. */
  stop(): void {
    for (const run of this.running.values()) run.abort();
  }

  private start(job: LiveJob): void {
    if (this.running.has(job.id)) return;
    const run = new AbortController();
    this.running.set(job.id, run);
    void this.validate(job, run.signal).finally(() => this.running.delete(job.id));
  }

  private async validate(job: LiveJob, stop: AbortSignal): Promise<void> {
    const { validation } = job.record;
    if (validation === undefined) return;
    const verdict = await this.verdict(job, validation, stop);
    if (stop.aborted) return;
    const { code, output, changed } = verdict;
    await this.registrar.note(job, 'validated', {
      ...(changed !== undefined && { detail: changed }),
      data: {
        passed: changed === undefined && code === 0,
        exit_code: code,
        output_tail: outputTail(output),
        ...(changed !== undefined && { script_changed: true }),
      },
    });
  }

  /** @returns in `changed` why the script's word does not count: it is not the one that was delegated */
  private async verdict(
    job: LiveJob,
    validation: Validation,
    stop: AbortSignal,
  ): Promise<{ code: number; output: string; changed?: string }> {
    const { script } = validation;
    let watch: ScriptWatch | undefined;
    try {
      watch = new ScriptWatch(script);
      const before = scriptIdentity(script);
      if (!isAsDelegated(validation)) {
        return { code: NOT_RUN, output: '', changed: `${SCRIPT_CHANGED}, so it was not run.` };
      }
      const { code, output } = await runScript({
        script,
        workdir: job.record.workdir,
        logFile: logFileOf(job),
        stop,
        started: (pid, mark) => {
          this.checks.begin(job.id, pid, mark);
          void this.registrar.note(job, 'validating');
        },
        env: scriptEnvironment(job.registryDir, job.id, validation),
      });
      this.checks.end(job.id);
      if (scriptIdentity(script) === before && !(await watch.saw())) return { code, output };
      return {
        code: NOT_RUN,
        output,
        changed: `${SCRIPT_CHANGED}, while it ran: what it said does not count.`,
      };
    } catch (error) {
      return { code: NOT_STARTED, output: (error as Error).message };
    } finally {
      watch?.end();
      this.checks.end(job.id);
    }
  }
}

/** Nothing where its folder is not ours any more: a check says what it says without its log. */
function logFileOf(job: LiveJob): string | undefined {
  try {
    logPlace(job).check();
    return join(job.record.log_dir, 'validate.log');
  } catch {
    return undefined;
  }
}
