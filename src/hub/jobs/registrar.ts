import { existsSync } from 'node:fs';
import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Draft, draftEvent, type EventType, type RecordedEvent, type Saying } from '../../job/event.ts';
import { historyOf } from '../../job/history.ts';
import { LOST } from '../../job/home-state.ts';
import type { JobOrder } from '../../job/record.ts';
import type { ReplicaChange, ReplicaState } from '../../job/replica.ts';
import type { JobRow } from '../../job/row.ts';
import { AMENDABLE, isFinal, type Status } from '../../job/words.ts';
import { awayError } from '../../registry/away.ts';
import { proofError } from '../../registry/history.ts';
import type { Home } from '../../registry/home.ts';
import { isUnchanged, toRow } from '../../registry/index-row.ts';
import type { JobIndex } from '../../registry/job-index.ts';
import type { Seal } from '../../registry/seal.ts';
import { AwayJobs } from './away-jobs.ts';
import { HeldEvents, mayPass } from './held-events.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { Loader } from './loader.ts';
import { makeJob, unmakeJob } from './make-job.ts';
import { makeReplica } from './make-replica.ts';
import { meantId, reportedId } from './meant-id.ts';
import { MissingJobs } from './missing-jobs.ts';
import { OpenRegistries } from './open-registries.ts';
import { Pointers } from './pointers.ts';
import { Removal } from './removal.ts';
import { isTakenOut, Repair } from './repair.ts';
import { HeldJobs, isAtRest, isMissing, type Outlets, pointerOf, type Store } from './store.ts';

/** What the hub concludes only about open jobs. */
const OF_OPEN_JOBS: readonly string[] = [
  ...AMENDABLE,
  ...['blocked', 'delivery_unverified', 'stalled', 'resumed', 'reminded'],
  ...['dependency_failed', 'setup_failed', 'prepared', 'starting'],
];

/** What must be known of a copy before its home is asked, and what may be. */
export type NewReplica = Pick<ReplicaState, 'home'> & Partial<Omit<ReplicaState, 'order'>>;

/** The only writer of the registries: finds and creates jobs, records events, and reports each event once it is on disk. */
export class Registrar {
  readonly #store: Store;
  readonly #loader: Loader;
  readonly #repair: Repair;
  readonly removal: Removal;
  /** What the last hub left, and what is away. */
  readonly missing: MissingJobs;
  /** Called after each event, in the order of the journal. */
  onRecorded: (job: LiveJob, recorded: Recorded) => void = () => {};
  /** Why an event of `noteNow` could not be recorded: logged once. */
  readonly #unrecorded = new Map<string, string>();

  constructor({ home, seal, log, outlets }: { home: Home; seal: Seal; log: Log; outlets: Outlets }) {
    const jobs = new HeldJobs();
    const registries = new OpenRegistries({ home, seal, log, jobs });
    const pointers = new Pointers(home, log);
    const late = new HeldEvents(log, (job, draft) => this.#write(job, draft));
    const away = new AwayJobs(log);
    const known = { jobs, registries, pointers, late, away, unproven: new Map(), loading: new Map() };
    const store = { home, seal, log, outlets, ...known };
    this.#store = store;
    const removal = new Removal(store, (job, recorded) => this.onRecorded(job, recorded));
    const loader = new Loader(store, removal);
    const repair = new Repair(store, removal);
    this.missing = new MissingJobs(store, { loader, removal, repair });
    this.removal = removal;
    this.#loader = loader;
    this.#repair = repair;
    registries.onBehind = async (dir, jobId) => {
      // Reading a job updates its file; one that is in memory is written anyway.
      if (!jobs.has(jobId)) await loader.load(dir, jobId);
    };
    registries.onLoose = (dir) => repair.tryRepair(dir, false);
  }

  /** The open jobs whose home this hub is. */
  get open(): LiveJob[] {
    return this.#store.jobs.open;
  }

  /** The copies of other hosts' jobs that are not complete yet, though a job may have ended. */
  get replicas(): LiveJob[] {
    return this.#store.jobs.replicas;
  }

  /** The jobs of both kinds that are not over: what lists, waits and limits count. */
  get unfinished(): LiveJob[] {
    return this.#store.jobs.unfinished;
  }

  get registryDirs(): string[] {
    return this.#store.registries.dirs;
  }

  /** True while jobs are open or wait to be taken up, or an event is still to be written. */
  get hasWork(): boolean {
    const { jobs, late } = this.#store;
    return jobs.open.length + jobs.replicas.length + late.size > 0 || this.missing.hasWork;
  }

  /** The one name of a registry, by whatever path a request or a pointer names it. @param dir absolute */
  nameOf(dir: string): string {
    return this.#store.registries.nameOf(dir);
  }

  /** Opens a registry for writing. @throws MamError `io` when it can't be written, `conflict` when another hub does */
  async ready(registryDir: string): Promise<void> {
    const { jobs, registries } = this.#store;
    this.missing.checkAway(registryDir);
    await registries.open(registryDir);
    const isThere = existsSync(registryDir);
    if (isThere && registries.isHeld(registryDir)) return;
    const [open] = jobs.openIn(registryDir);
    if (isThere || open !== undefined) {
      // A peer may have cleaned its working folder: its job continues. What is only away comes back with its jobs.
      const isRepaired = (await this.#repair.repair(registryDir)) && open?.isThere !== false;
      if (!isRepaired && open !== undefined) throw awayError(pointerOf(open));
      return;
    }
    for (const job of jobs.in(registryDir)) this.removal.drop(job);
    await registries.openAnew(registryDir);
  }

  /** Creates a job. @throws MamError as `makeJob` */
  create(order: JobOrder, prompt: string, texts: readonly string[] = []): LiveJob {
    return makeJob(this.#store, order, prompt, texts, async (job) => {
      const recorded = await job.append(draftEvent(order.job_id, 'queued', { data: { job: order } }));
      this.#passOn(job, recorded);
    });
  }

  /**
   * Creates the copy of a job that another host is about to be asked for. Its `kept` must resolve before that.
   * @param order as composed here, with this registry; `state` names the host @throws MamError as `makeReplica`
   */
  createReplica(order: JobOrder, prompt: string, state: NewReplica): LiveJob {
    const asked_at = new Date().toISOString();
    const whole = { state: 'asking' as const, asked_at, episode: 0, ...state, order };
    const job = makeReplica(this.#store, prompt, whole);
    job.kept = job.kept.then(() => this.#passOn(job, job.ownPart.asNews()));
    // Whoever made it hears of the failure as well.
    job.kept.catch(() => {});
    return job;
  }

  /**
   * Records the next event of a copy as its home has recorded it; one that is there already changes nothing. The copy is
   * open again if it was thought to be lost, or never taken.
   * @throws MamError `unavailable` if it is not the next one, `bad_input` if it does not fit, `io` when it can't be written
   */
  async follow(job: LiveJob, event: RecordedEvent): Promise<Recorded> {
    const recorded = await this.#writeOn(job, () => job.follow(event));
    if (recorded.repeated) return recorded;
    this.#passOn(job, recorded);
    const { state, never_taken: verdict } = job.replica ?? {};
    if (state === 'asking' || state === 'lost' || verdict !== undefined)
      await this.setReplica(job, { state: 'following', never_taken: undefined });
    return recorded;
  }

  /**
   * Changes what this hub itself keeps about a copy, on the disk first, then for whoever follows the job.
   * @param how `tell: false`: nobody is told
   * @throws MamError `io` when it could not be written; then nothing has changed
   */
  async setReplica(job: LiveJob, change: ReplicaChange, how: { tell?: boolean } = {}): Promise<void> {
    const recorded = await this.#writeOn(job, () => job.ownPart.change(change));
    if (recorded !== undefined && how.tell !== false) this.#passOn(job, recorded);
  }

  /** Removes a copy whose home has refused the job: nobody has seen it yet. */
  async removeReplica(job: LiveJob): Promise<void> {
    await job.kept.catch(() => {});
    await unmakeJob(this.#store, job);
  }

  /** A job by its id. @throws MamError as `Loader.find` */
  find(jobId: string, registryDir?: string): Promise<LiveJob> {
    return this.#loader.find(jobId, registryDir);
  }

  /** The same for an action on a job. @throws MamError as `Loader.findOwn` */
  findOwn(jobId: string, registryDir?: string): Promise<LiveJob> {
    return this.#loader.findOwn(jobId, registryDir);
  }

  /** The whole id of the job that is meant by a part of one. @throws MamError as `meantId` */
  meant(given: string, registryDir?: string): Promise<string> {
    return meantId(this.#store, given, registryDir, (id) => this.#loader.has(id, registryDir));
  }

  /** The same for a report, which must never be credited to another job. */
  reported(given: string): string {
    return reportedId(this.#store, given, (id) => this.#loader.has(id));
  }

  /** A job in memory, where all open ones and those that ended last are. */
  held(jobId: string): LiveJob | undefined {
    return this.#store.jobs.get(jobId);
  }

  /** Records an event. @throws MamError `io` when it could not be written */
  record(job: LiveJob, draft: Draft): Promise<Recorded> {
    this.#store.late.flush(job);
    return this.#write(job, draft);
  }

  /**
   * Records an event of the hub: something that has happened and will not be seen again. A conclusion about an open job
   * is dropped when the job's end is already being written: two observers of one pane see the same loss.
   * @returns undefined when it could not be written now: it is written as soon as possible, before anything newer
   */
  async note<T extends EventType>(
    job: LiveJob,
    type: T,
    more: Saying<T> = {},
  ): Promise<Recorded | undefined> {
    if (isVoid(job, type)) return undefined;
    const draft = draftEvent(job.id, type, more);
    try {
      return await this.record(job, draft);
    } catch (error) {
      this.hold(job, draft, error);
      return undefined;
    }
  }

  /** Keeps an event that has just failed, until it can be written. */
  hold(job: LiveJob, draft: Draft, error: unknown): void {
    this.#store.late.hold(job, draft, error);
  }

  /** The same for what the caller will check again: by the time it can be written it may no longer be true. */
  async noteNow<T extends EventType>(
    job: LiveJob,
    type: T,
    more: Saying<T> = {},
  ): Promise<Recorded | undefined> {
    if (isVoid(job, type)) return undefined;
    const key = `${job.id} ${type}`;
    try {
      const recorded = await this.record(job, draftEvent(job.id, type, more));
      this.#unrecorded.delete(key);
      return recorded;
    } catch (error) {
      const why = explain(error);
      if (this.#unrecorded.get(key) !== why)
        this.#store.log.error(`event ${type} of ${job.id} cannot be recorded now`, error);
      this.#unrecorded.set(key, why);
      return undefined;
    }
  }

  /** True while an event of a job is still to be written. */
  isHolding(job: LiveJob): boolean {
    return this.#store.late.has(job);
  }

  /** Runs every second: retries failed writes and notices what was removed. */
  onTick(): void {
    const { jobs, late, pointers, registries } = this.#store;
    const { unfinished } = jobs;
    for (const job of unfinished)
      if (!this.removal.dropRemoved(job) && isTakenOut(job)) this.#repair.tryRepair(job.registryDir);
    registries.checkLocks(new Set(unfinished.map(({ registryDir }) => registryDir)));
    late.retry();
    // A full disk may have kept pointers from being written.
    for (const job of jobs.values()) if (!isAtRest(job)) pointers.tryPut(job);
    pointers.restoreRemoved(jobs.values());
  }

  /** The list of a registry's jobs. @throws MamError as `create` */
  async index(registryDir: string): Promise<JobIndex> {
    this.missing.checkAway(registryDir);
    return this.#store.registries.index(registryDir);
  }

  /** A row of a list, brought up to date: the list itself only follows changes of status. */
  present(row: JobRow): JobRow {
    const job = this.held(row.job_id);
    if (job !== undefined) return toRow(job.record);
    // Every other open job of ours is in memory: this one came with a clone, or from another home.
    const isOver = isFinal(row.status as Status) || row.reason === LOST;
    return isOver || this.#store.away.has(row.job_id) ? row : historyOf(row);
  }

  /** Removes the pointer of a job with nothing left to do or to write, so that the next hub does not take it up. */
  releaseJob(job: LiveJob): void {
    const { jobs, log, outlets, pointers } = this.#store;
    if (jobs.get(job.id) !== job || !isAtRest(job) || outlets.isBusy(job)) return;
    pointers.remove(job.id);
    for (const old of jobs.forgetOldest((one) => isAtRest(one) && !outlets.isBusy(one)))
      void old.close().catch((error) => log.error(`journal of ${old.id} was not closed`, error));
  }

  /** Writes what is pending and releases the registries. @param flush writes what follows from that, before the release */
  async close(flush: () => Promise<void> = async () => {}): Promise<void> {
    const { jobs, late, registries } = this.#store;
    for (const job of jobs.values()) late.flush(job);
    await Promise.allSettled([...jobs.values()].map((job) => job.close()));
    await flush();
    await registries.close();
  }

  async #write(job: LiveJob, draft: Draft): Promise<Recorded> {
    const { home, unproven } = this.#store;
    if (job.isHistory && unproven.has(job.id)) {
      const { message, hint } = proofError(job.id, home.key);
      // The key may come back: the report is kept until then.
      throw new MamError('unavailable', message, hint);
    }
    const recorded = await this.#writeOn(job, () => job.append(draft));
    if (!recorded.repeated) this.#passOn(job, recorded);
    return recorded;
  }

  /** Writes to a job, if need be after a repair of its registry. @throws as `write`, and `io` for one that is away */
  async #writeOn<T>(job: LiveJob, write: () => Promise<T>): Promise<T> {
    const { jobs, pointers } = this.#store;
    // For an ended job as well: if this hub is killed now, the next one updates its files.
    if (jobs.get(job.id) === job) pointers.tryPut(job);
    try {
      return await write().catch(async (error: unknown) => {
        if (!mayPass(error)) throw error;
        const isRepaired = (await this.#repair.repair(job.registryDir)) && job.isThere;
        if (!isRepaired) throw isMissing(job) ? awayError(pointerOf(job)) : error;
        return write();
      });
    } finally {
      if (job.isFinal || job.replica !== undefined) setImmediate(() => this.releaseJob(job));
    }
  }

  #passOn(job: LiveJob, recorded: Recorded): void {
    const { log, registries } = this.#store;
    const { before, after } = recorded;
    try {
      this.onRecorded(job, recorded);
    } catch (error) {
      // The event is on the disk, and its publisher is told so.
      log.error(`event ${recorded.event.type} of ${job.id} did not reach every part of the hub`, error);
    }
    // The next hub trusts an ended job's row, unless its journal has grown since.
    const isSame = before !== undefined && isUnchanged(before, after) && recorded.home !== true;
    if (isSame && !isFinal(after.status)) return;
    // Waiters are notified first: a message leaves when this turn ends.
    setImmediate(() => registries.list(job));
  }
}

/** True for a conclusion about a job that has ended meanwhile. */
function isVoid(job: LiveJob, type: string): boolean {
  return job.isFinal && OF_OPEN_JOBS.includes(type);
}
