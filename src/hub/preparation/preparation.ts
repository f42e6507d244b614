import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { isHeld } from '../../job/held.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobOrder } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import type { Home } from '../../registry/home.ts';
import type { Seal } from '../../registry/seal.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { HeldFiles } from './held-files.ts';
import { HeldJob, type HeldParams, heldParams } from './held-job.ts';
import type { News } from './news.ts';
import type { Step, StepName } from './step.ts';

/** Hands a prepared job over. @throws MamError for what keeps it from being delivered */
export type HandOver = (job: LiveJob, held: HeldJob, signal: AbortSignal) => Promise<void>;

/**
 * Leads jobs through their steps, each job on its own, until they are handed over. Where a job is stands in its journal:
 * the next hub goes on from there.
 */
export class Preparation {
  readonly #with: { registrar: Registrar; news: News; steps: readonly Step[]; log: Log };
  readonly #files: HeldFiles;
  readonly #running = new Map<string, AbortController>();
  #stopped = false;
  /** Set once delegations are there. */
  handOver: HandOver = async () => {};

  constructor(parts: {
    home: Home;
    seal: Seal;
    registrar: Registrar;
    news: News;
    steps: readonly Step[];
    log: Log;
  }) {
    this.#with = parts;
    this.#files = new HeldFiles(parts.home, parts.seal);
  }

  /** The steps that a job with this order goes through before it is handed over. */
  stepsFor(order: JobOrder): StepName[] {
    return this.#with.steps.filter((step) => step.isNeeded(order)).map(({ name }) => name);
  }

  /** True while a job goes through its steps here, or is being handed over, even if it has ended meanwhile. */
  isRunning(jobId: string): boolean {
    return this.#running.has(jobId);
  }

  /** Removes what a killed hub has left of jobs that are no more. To be called before the first delegation. */
  sweep(): void {
    this.#files.sweep();
  }

  /**
   * Keeps what a new job needs, then has it created, and begins with its steps.
   * @param create creates it; nothing is awaited before that
   * @returns the job when everything is on the disk
   * @throws MamError as `create`, `io` when MAM_HOME can't be written
   */
  async begin(
    { job_id: id }: JobOrder,
    { params, ...more }: { params: DelegateParams } & Pick<HeldParams, 'results' | 'from'>,
    create: () => LiveJob,
  ): Promise<LiveJob> {
    const kept = heldParams(params, more);
    // Before the job: a hub that is killed in between leaves a file without a job, never a job without its file.
    this.#files.put(id, kept);
    try {
      const job = create();
      job.uncork();
      const keeping = this.#files.keep(id, kept).catch((error: unknown) => {
        this.#with.log.error(`a power cut may lose what ${id} needs`, error);
      });
      await Promise.all([job.kept, keeping]);
      this.#begin(job, new HeldJob({ ...this.#with, files: this.#files, job }, kept));
      return job;
    } catch (error) {
      this.#files.remove(id);
      throw error;
    }
  }

  /** Goes on with a job that an earlier hub has left before its hand-over. */
  resume(job: LiveJob): void {
    if (!isHeld(job.record) || this.#running.has(job.id) || this.#stopped) return;
    const kept = this.#files.read(job.id);
    if (kept === undefined) {
      const detail = `What is needed to hand it over is missing or damaged in MAM_HOME/held. Delegate it again.`;
      void this.#with.registrar.note(job, 'delivery_failed', { detail });
      return;
    }
    this.#begin(job, new HeldJob({ ...this.#with, files: this.#files, job }, kept));
  }

  /** What was away is back, though it may have ended. */
  resumeAll(jobs: LiveJob[]): void {
    for (const job of jobs) this.#with.news.of(job);
  }

  onRecorded(job: LiveJob, { after }: Recorded): void {
    this.#with.news.of(job);
    if (job.replica !== undefined || after.prepares === undefined) return;
    const isOver = isFinal(after.status);
    if (isOver) this.#running.get(job.id)?.abort();
    // A job that is being started needs it until its session is known.
    if (isOver || after.agent_session !== undefined || after.submitted_at !== undefined)
      this.#files.remove(job.id);
  }

  /** The next hub goes on. */
  stop(): void {
    this.#stopped = true;
    for (const stop of this.#running.values()) stop.abort();
  }

  #begin(job: LiveJob, held: HeldJob): void {
    if (this.#stopped || isFinal(job.record.status)) return;
    const stop = new AbortController();
    this.#running.set(job.id, stop);
    void this.#run(job, held, stop.signal)
      .catch((error) => this.#with.log.error(`preparation of ${job.id}`, error))
      .finally(() => this.#running.delete(job.id));
  }

  async #run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<void> {
    const { prepares = [] } = job.record;
    for (const name of prepares) {
      if (job.record.prepared?.includes(name) === true) continue;
      const step = this.#with.steps.find((one) => one.name === name);
      const failure = step?.failure ?? 'delivery_failed';
      const isPassed = await this.#orFail(job, failure, signal, async () => {
        if (step === undefined) throw unknownStep(name);
        const { detail, data } = await step.run(job, held, signal);
        const said = { ...(detail !== undefined && { detail }), data: { prepared: name, ...data } };
        await held.record('prepared', said, signal);
      });
      if (!isPassed) return;
    }
    await this.#orFail(job, 'delivery_failed', signal, () => this.handOver(job, held, signal));
  }

  /** @returns false when the job has ended or failed, or the hub ends */
  async #orFail(
    job: LiveJob,
    failure: Step['failure'],
    signal: AbortSignal,
    act: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await act();
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof MamError)) this.#with.log.error(`preparation of ${job.id}`, error);
      const detail = cleanLine(explain(error), LIMITS.detailChars);
      await this.#with.registrar.note(job, failure, { detail });
      return false;
    }
  }
}

function unknownStep(name: string): MamError {
  return new MamError(
    'unavailable',
    `A newer mam has delegated this job, with a step that this hub does not know (${cleanLine(name, 40)}).`,
    'Update mam, run `mam hub restart`, and delegate the job again.',
  );
}
