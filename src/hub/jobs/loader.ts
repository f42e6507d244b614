import { setImmediate as nextTurn } from 'node:timers/promises';
import { isSamePlace } from '../../base/real-place.ts';
import { journalGoneError } from '../../registry/away.ts';
import { sweepJob } from '../../registry/files.ts';
import { type FoldedJob, foldJob } from '../../registry/fold.ts';
import { type Pointer, readRegistries } from '../../registry/home.ts';
import { hasJob, whereIs } from '../../registry/paths.ts';
import type { LiveJob } from './live-job.ts';
import { loadJob } from './load-job.ts';
import { markOf } from './pointers.ts';
import { isAtRest, type Store } from './store.ts';

/** So many jobs are read between two turns of the event loop, some ms each. */
const LOADED_AT_ONCE = 20;

/** Reads jobs from the disk into memory. */
export class Loader {
  readonly #with: Store;
  readonly #loading = new Map<string, Promise<LiveJob>>();
  /** Open jobs that were found, and that nothing pointed to: they have not been taken up yet. */
  readonly #strays = new Set<LiveJob>();
  #step: Promise<void> = Promise.resolve();
  #loads = 0;

  constructor(store: Store) {
    this.#with = store;
  }

  isLoading(jobId: string): boolean {
    return this.#loading.has(jobId);
  }

  /** The open jobs that nothing pointed to, each once. */
  takeStrays(): LiveJob[] {
    const { jobs } = this.#with;
    const strays = [...this.#strays].filter((job) => jobs.get(job.id) === job && !isAtRest(job));
    this.#strays.clear();
    return strays;
  }

  /** A job was taken up by its pointer. */
  claim(job: LiveJob): void {
    this.#strays.delete(job);
  }

  /**
   * Reads a job and takes it into memory; one that is only history is just read.
   * @param place the registry that has it
   * @param pointer what points to it
   * @throws MamError as `loadJob`, and as `OpenRegistries.open`
   */
  load(place: string, jobId: string, pointer?: Pointer): Promise<LiveJob> {
    const running = this.#loading.get(jobId);
    if (running !== undefined) return running;
    const dir = this.#with.registries.nameOf(place);
    if (whereIs(dir, jobId) === 'cut') return Promise.reject(journalGoneError(dir, jobId));
    const loading = this.#read(dir, jobId, pointer);
    this.#loading.set(jobId, loading);
    return loading.finally(() => this.#loading.delete(jobId));
  }

  async #read(dir: string, jobId: string, pointer: Pointer | undefined): Promise<LiveJob> {
    const { registries, seal, log, jobs, pointers, outlets } = this.#with;
    await registries.open(dir);
    await this.#inSteps();
    const job: LiveJob = loadJob(dir, jobId, seal, {
      mark: pointer && markOf(pointer),
      // By its pointer it is the job itself.
      originalOf: (job) => (pointer === undefined ? this.#originalOf(job, dir) : undefined),
      mayWrite: (isOpen: boolean) => registries.check(job.registryDir, isOpen),
    });
    registries.place(job);
    for (const sentence of job.damage) log.warn(sentence);
    // Neither kept in memory nor pointed to: nothing will ever be done for it.
    if (job.isHistory) return job;
    // Before any of its files is written.
    sweepJob(job.paths.folder);
    jobs.set(jobId, job);
    if (pointer === undefined && !isAtRest(job)) this.#strays.add(job);
    if (!job.isWritten) outlets.catchUp(job);
    if (isAtRest(job) && job.isWritten) pointers.remove(jobId);
    else pointers.tryPut(job);
    return job;
  }

  /** The other registry in which a job itself is: it has gone on there, or was made there. */
  #originalOf({ record, madeIn }: FoldedJob, dir: string): string | undefined {
    const { job_id: id, seq } = record;
    return readRegistries(this.#with.home).find((other) => {
      if (!hasJob(other, id) || isSamePlace(other, dir)) return false;
      try {
        const ahead = foldJob(other, id, this.#with.seal).record.seq - seq;
        return ahead > 0 || (ahead === 0 && isSamePlace(other, madeIn));
      } catch {
        return false;
      }
    });
  }

  /** A hub that takes up thousands of jobs serves others in between. */
  #inSteps(): Promise<void> {
    this.#step = this.#step.then(() => (++this.#loads % LOADED_AT_ONCE === 0 ? nextTurn() : undefined));
    return this.#step;
  }
}
