import { outputTail, runScript, scriptEnvironment } from '../../checks/script.ts';
import { scriptOf } from '../../checks/script-hash.ts';
import { checkNumbers } from '../../operations/check.ts';
import { type VerifyParams, type VerifyResult, verify } from '../../operations/verify.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** Runs validation scripts on request, whatever the job's status, which does not change. */
export class Verifications {
  readonly #registrar: Registrar;
  readonly #stopping = new AbortController();
  /** By request id: a client whose connection was lost asks again, and joins the run in progress. */
  readonly #running = new Map<string, Promise<VerifyResult>>();

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  /** True while scripts run. */
  get hasWork(): boolean {
    return this.#running.size > 0;
  }

  /**
   * Runs a script against a job's artifacts and notes the verdict in the job's journal.
   * @returns when the script has ended or timed out
   * @throws MamError `not_found` for an unknown job, `bad_input` for a script that can't be read or a job without one,
   *   `unavailable` for a script that can't run
   */
  verify(params: VerifyParams, requestId: string): Promise<VerifyResult> {
    const known = this.#running.get(requestId);
    if (known !== undefined) return known;
    const run = this.#run(params).finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, run);
    return run;
  }

  /** Ends the running scripts; their clients ask the next hub. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(params: VerifyParams): Promise<VerifyResult> {
    checkNumbers(verify.fields, { ...params });
    const job = await this.#registrar.findOwn(params.job_id, params.registry_dir);
    const { script, script_changed } = scriptOf(job.record.validation, params.validate);
    const { code, output, cutOffAfter } = await runScript({
      script,
      workdir: job.record.workdir,
      timeoutSeconds: params.validate_timeout_seconds ?? job.record.validation?.timeout_seconds,
      stop: this.#stopping.signal,
      started: () => {},
      env: scriptEnvironment(job.registryDir, job.id, params),
    });
    // A client that gets no answer asks the next hub.
    if (this.#stopping.signal.aborted) return new Promise<never>(() => {});
    const verdict = {
      passed: code === 0,
      exit_code: code,
      ...(cutOffAfter !== undefined && { cut_off_after: cutOffAfter, outcome: 'could_not_finish' }),
      output_tail: outputTail(output),
      script_changed,
    };
    const { by: source = 'supervisor' } = params;
    await this.#registrar.note(job, 'verified', { source, data: { script, ...verdict } });
    return { record: job.record, script, ...verdict };
  }
}
