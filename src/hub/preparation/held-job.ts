import { setTimeout as sleep } from 'node:timers/promises';
import { explain, MamError } from '../../base/errors.ts';
import type { EventType, Saying } from '../../job/event.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { HeldFiles } from './held-files.ts';
import type { Step } from './step.ts';

/** When (ms) to try again to write what could not be written. */
const RETRY_MS = 1_000;

type BlockedBy = Step['blockedBy'];

/** What is needed to hand a job over and must not be in its record, such as its caller's environment. */
export type HeldParams = Omit<DelegateParams, 'prompt' | 'prompt_spool' | 'origin'> & {
  /** The whole ids of the jobs whose results the prompt names, by what is written there. */
  results?: Record<string, string> | undefined;
  /** The caller's folder, if the job works in a worktree of its own. */
  from?: string | undefined;
};

/** A job before its hand-over, with what its steps need. */
export class HeldJob {
  readonly #with: { job: LiveJob; files: HeldFiles; registrar: Registrar };
  #params: HeldParams;
  #said: string | undefined;

  constructor(parts: { job: LiveJob; files: HeldFiles; registrar: Registrar }, params: HeldParams) {
    this.#with = parts;
    this.#params = params;
  }

  get params(): HeldParams {
    return this.#params;
  }

  /**
   * Changes what the hand-over will use.
   * @param by the step's `blockedBy`
   * @returns when it is on the disk, as `untilWritten`
   */
  async change(params: Partial<HeldParams>, by: BlockedBy, signal: AbortSignal): Promise<void> {
    const changed = { ...this.#params, ...params };
    await this.untilWritten(by, signal, () => this.#with.files.keep(this.#with.job.id, changed));
    this.#params = changed;
  }

  /**
   * Writes something of our own, again and again until that succeeds: a full disk says nothing about the job.
   * @param by the step's `blockedBy`
   * @throws the signal's reason once it is aborted, as at the job's end; what is no MamError of `write` at once
   */
  async untilWritten<T>(by: BlockedBy, signal: AbortSignal, write: () => T | Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof MamError)) throw error;
        await this.waits(by, `It waits until this is put right: ${explain(error)}`);
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  /**
   * Records an event without which nothing may go on.
   * @returns when it is on the disk, however long that takes: the disk may be full
   * @throws the signal's reason once it is aborted, as at the job's end
   */
  async record<T extends EventType>(type: T, said: Saying<T>, signal: AbortSignal): Promise<void> {
    const { job, registrar } = this.#with;
    for (;;) {
      signal.throwIfAborted();
      if ((await registrar.noteNow(job, type, said)) !== undefined) break;
      await sleep(RETRY_MS, undefined, { signal });
    }
    signal.throwIfAborted();
  }

  /**
   * Says in the record that the job waits for this step, once for each sentence.
   * @param by the step's `blockedBy` @param detail a sentence for people: what it waits for
   */
  async waits(by: BlockedBy, detail: string): Promise<void> {
    const { job, registrar } = this.#with;
    if (this.#said === detail || (job.record.blocked_by === by && job.record.detail === detail)) return;
    if ((await registrar.noteNow(job, 'blocked', { detail, data: { by } })) !== undefined)
      this.#said = detail;
  }
}

/** The part of a request that is kept. The prompt is in the job's folder; the caller's processes may have ended by then. */
export function heldParams(
  params: DelegateParams,
  { results, from }: Pick<HeldParams, 'results' | 'from'>,
): HeldParams {
  const { prompt: _, prompt_spool: __, origin: ___, ...kept } = params;
  return { ...kept, ...(results !== undefined && { results }), ...(from !== undefined && { from }) };
}
