import { join } from 'node:path';
import { isFinal } from '../job/words.ts';
import { startOf } from '../processes.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Registrar } from './registrar.ts';
import { endGroup, outputTail, runScript, scriptEnvironment } from './script.ts';
import { scriptHash } from './script-hash.ts';

/** Exit code of a script that could not be started, as shells have it. */
const NOT_STARTED = 127;

/** Runs the script of a job that its peer has called completed, and records the verdict. */
export class Validator {
  private readonly registrar: Registrar;
  private readonly running = new Map<string, AbortController>();

  constructor(registrar: Registrar) {
    this.registrar = registrar;
  }

  /** Starts a script when a job begins to be validated, and ends it when the job ends another way. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (after.phase === 'validating') this.start(job);
    else if (isFinal(after.status)) this.running.get(job.id)?.abort();
  }

  /** Takes up a validation that the last hub did not finish. */
  resume(job: LiveJob): void {
    if (job.record.phase !== 'validating') return;
    const left = job.record.validation?.process;
    if (left !== undefined && startOf(left.pid) === left.start) endGroup(left.pid);
    this.start(job);
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
    const { validation, workdir, log_dir: logDir } = job.record;
    if (validation === undefined) return;
    let changed = false;
    let code: number;
    let output: string;
    try {
      changed = scriptHash(validation.script) !== validation.script_sha256;
      ({ code, output } = await runScript({
        script: validation.script,
        workdir,
        logFile: join(logDir, 'validate.log'),
        stop,
        started: (pid) =>
          void this.registrar.note(job, 'validating', { data: { pid, start: startOf(pid) ?? '' } }),
        env: scriptEnvironment(job.registryDir, job.id, validation),
      }));
    } catch (error) {
      code = NOT_STARTED;
      output = (error as Error).message;
    }
    if (stop.aborted) return;
    await this.registrar.note(job, 'validated', {
      data: {
        passed: code === 0,
        exit_code: code,
        output_tail: outputTail(output),
        ...(changed && { script_changed: true }),
      },
    });
  }
}
