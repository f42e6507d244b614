import { setImmediate as nextTurn } from 'node:timers/promises';
import { MamError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { someOf } from '../../base/text.ts';
import { needsAttention } from '../../job/apply.ts';
import { historyError } from '../../job/history.ts';
import { recordSchema } from '../../job/record.ts';
import { journalGoneError, whyNotFound } from '../../registry/away.ts';
import { sweepJob } from '../../registry/files.ts';
import { type FoldedJob, foldJob } from '../../registry/fold.ts';
import { asHistory, copyError, foldProven, proofError, replicaError } from '../../registry/history.ts';
import { type Pointer, readRegistries, retainedPlace } from '../../registry/home.ts';
import { placesOf } from '../../registry/known-jobs.ts';
import { hasJob, registryError, whereIs } from '../../registry/paths.ts';
import { LiveJob } from './live-job.ts';
import { markOf } from './pointers.ts';
import type { Removal } from './removal.ts';
import { isAtRest, type Store } from './store.ts';

/** How many jobs are read between two turns of the event loop, some ms each. */
const LOADED_AT_ONCE = 20;
/** How many open jobs an error names. */
const NAMED_JOBS = 5;

/** Finds jobs, and reads them from the disk into memory. */
export class Loader {
  readonly #with: Store;
  readonly #removal: Removal;
  /** Open jobs that were found without a pointer and have not been taken up yet. */
  readonly #strays = new Set<LiveJob>();
  #step: Promise<void> = Promise.resolve();
  #loads = 0;

  constructor(store: Store, removal: Removal) {
    this.#with = store;
    this.#removal = removal;
  }

  /**
   * A job by its id, from memory or from a registry.
   * @param registryDir where to look first
   * @throws MamError `not_found` when no known registry has it, `io` when one that may have it is away
   */
  async find(jobId: string, registryDir?: string): Promise<LiveJob> {
    const { jobs, away: waiting } = this.#with;
    const held = jobs.get(jobId);
    if (held !== undefined && !this.#removal.dropRemoved(held)) return held;
    const away = waiting.get(jobId)?.pointer;
    if (away !== undefined) {
      if (!hasJob(away.registryDir, jobId)) throw this.#unknownError(jobId, away.registryDir);
      // Its time limits apply again within a second.
      return this.load(away.registryDir, jobId, away);
    }
    let history: LiveJob | undefined;
    for (const place of this.#placesOf(jobId, registryDir)) {
      const job = await this.load(place, jobId);
      if (!job.isHistory) return job;
      // A job with the same id that came with a clone must not hide it.
      history ??= job;
    }
    if (history === undefined) throw this.#unknownError(jobId, registryDir);
    return history;
  }

  /**
   * The same for an action on a job.
   * @throws MamError as `find`, and `refused` for one that is only history, or the copy of another host's
   */
  async findOwn(jobId: string, registryDir?: string): Promise<LiveJob> {
    const { home, unproven } = this.#with;
    const job = await this.find(jobId, registryDir);
    if (job.isHistory && unproven.has(jobId)) throw proofError(jobId, home.key);
    if (job.copyOf !== undefined) throw copyError(job.registryDir, job.id, job.copyOf);
    if (job.isHistory) throw historyError(job.registryDir, job.id);
    if (job.replica !== undefined) throw replicaError(job.id, job.replica.home);
    // An action that is meant for a copy, in a copied project, must not affect the original.
    if (registryDir !== undefined && hasJob(registryDir, jobId) && !isSamePlace(registryDir, job.registryDir))
      throw copyError(registryDir, jobId, job.registryDir);
    return job;
  }

  /** True for the whole id of a job that `find` can find, or that is known to be away. */
  has(jobId: string, registryDir?: string): boolean {
    const { jobs, away, unproven } = this.#with;
    if (jobs.has(jobId) || away.has(jobId) || unproven.has(jobId)) return true;
    return this.#placesOf(jobId, registryDir).length > 0;
  }

  /** The registries that have a job with this id. @param registryDir where to look first */
  #placesOf(jobId: string, registryDir: string | undefined): string[] {
    const { home, registries } = this.#with;
    const noted = [...placesOf(home, jobId).map((one) => one.registryDir), retainedPlace(home, jobId)];
    const places = new Set([registryDir, ...registries.dirs, ...readRegistries(home), ...noted]);
    return [...places].filter((place) => place !== undefined).filter((place) => hasJob(place, jobId));
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
    const { loading, registries } = this.#with;
    const running = loading.get(jobId);
    if (running !== undefined) return running;
    const dir = registries.nameOf(place);
    if (whereIs(dir, jobId) === 'cut') return Promise.reject(journalGoneError(dir, jobId));
    const reading = this.#read(dir, jobId, pointer);
    loading.set(jobId, reading);
    return reading.finally(() => loading.delete(jobId));
  }

  async #read(dir: string, jobId: string, pointer: Pointer | undefined): Promise<LiveJob> {
    const { registries, log, jobs, pointers, outlets } = this.#with;
    await registries.open(dir);
    await this.#inSteps();
    const job = loadJob(dir, jobId, this.#with, pointer);
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

  /** Lets a hub that takes up thousands of jobs serve clients in between. */
  #inSteps(): Promise<void> {
    this.#step = this.#step.then(() => (++this.#loads % LOADED_AT_ONCE === 0 ? nextTurn() : undefined));
    return this.#step;
  }

  #unknownError(jobId: string, registryDir: string | undefined): MamError {
    const { home, jobs, registries } = this.#with;
    const given = registryDir === undefined ? [] : [registryDir];
    const why = whyNotFound(home, jobId, [...registries.dirs, ...given]);
    if (why !== undefined) return why;
    const open = registryDir === undefined ? jobs.unfinished : jobs.openIn(registryDir);
    // Those that need someone are the likeliest to be meant.
    const ids = [...open]
      .sort((a, b) => Number(needsAttention(b.record)) - Number(needsAttention(a.record)))
      .map(({ id }) => id);
    const where = registryDir === undefined ? '' : ` in ${registryDir}`;
    const near = nearest(jobId, ids);
    const meant = near === undefined ? '' : `Did you mean ${near}? `;
    const known =
      ids.length === 0 ? `No job is open${where}.` : `${meant}Open jobs${where}: ${someOf(ids, NAMED_JOBS)}.`;
    return new MamError(
      'not_found',
      `There is no job with this id: ${jobId}.`,
      `${known} Call list_jobs (\`mam list\`) for all ids.`,
    );
  }
}

/**
 * Reads a job from the disk. One that was not delegated by this home is history: it can be looked at, and nothing more.
 * @throws MamError as `foldJob`; `unavailable` for an invalid record, `io` when its folder is another one, or a link
 */
function loadJob(dir: string, id: string, store: Store, pointer: Pointer | undefined): LiveJob {
  const { registries, seal } = store;
  const mayWrite = (isOpen: boolean): void => registries.check(job.registryDir, isOpen);
  const job: LiveJob = new LiveJob(dir, id, seal, { mayWrite });
  const { folded, isProven } = foldProven(dir, id, seal);
  checkRecord(folded);
  // With a pointer it is the job itself.
  job.copyOf = isProven && pointer === undefined ? originalOf(folded, dir, store) : undefined;
  job.isHistory = !isProven || job.copyOf !== undefined;
  if (!job.isHistory) {
    try {
      job.ground.check();
    } catch (error) {
      throw registryError(dir, error);
    }
    job.adopt(folded);
    job.clock.resume(folded.record, job.lastSign, pointer && markOf(pointer));
    return job;
  }
  // Nothing is attached to a pane that a stranger names.
  const { agent_session: _, agent_process: __, ...record } = folded.record;
  const why = job.copyOf === undefined ? historyError(dir, id) : copyError(dir, id, job.copyOf);
  job.adopt(asHistory({ ...folded, record }, why));
  return job;
}

/** @throws MamError `unavailable` for a record that the rest of the hub could not work with */
function checkRecord({ record, paths }: FoldedJob): void {
  const parsed = recordSchema.safeParse(record);
  if (parsed.success) return;
  throw new MamError(
    'unavailable',
    `The record of job ${record.job_id} is invalid: ${parsed.error.issues[0]?.path.join('.') ?? 'unknown field'}.`,
    `Restore ${paths.journal} from a backup, or move the folder ${paths.folder} away.`,
  );
}

/** The other registry that has the original of a job: the one where it continued, or was created. */
function originalOf({ record, madeIn }: FoldedJob, dir: string, { home, seal }: Store): string | undefined {
  const { job_id: id, seq } = record;
  return readRegistries(home).find((other) => {
    if (!hasJob(other, id) || isSamePlace(other, dir)) return false;
    try {
      const ahead = foldJob(other, id, seal).record.seq - seq;
      return ahead > 0 || (ahead === 0 && isSamePlace(other, madeIn));
    } catch {
      return false;
    }
  });
}
