import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { MamError } from '../errors.ts';
import { isSettled } from '../job/apply.ts';
import { historyError, historyOf } from '../job/history.ts';
import type { JobOrder, JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/request.ts';
import { owesLine } from '../job/wake.ts';
import { AMENDABLE, isFinal, type Status } from '../job/words.ts';
import { isSamePlace } from '../real-place.ts';
import { sweepJob, writeNew } from '../registry/files.ts';
import { sweepHalfMade } from '../registry/half-made.ts';
import { type Home, noteError, readRegistries } from '../registry/home.ts';
import { type JobIndex, toRow } from '../registry/job-index.ts';
import { hasJob, isRemoved, jobPaths, registryError } from '../registry/paths.ts';
import type { Seal } from '../registry/seal.ts';
import { moveToTrash } from '../registry/trash.ts';
import { shellWord } from '../shell-word.ts';
import { hubDraft } from './hub-draft.ts';
import { type Draft, LiveJob, type Recorded } from './live-job.ts';
import type { Log } from './log.ts';
import { OpenRegistries } from './open-registries.ts';
import { Pointers } from './pointers.ts';

/** How many ended jobs stay in memory for late reports and questions. */
const KEPT_FINAL = 200;
/** How many open jobs an error names. */
const NAMED_JOBS = 5;
/** What the hub concludes of a job that is open: of one that has ended it says nothing. */
const OF_OPEN_JOBS: readonly string[] = [
  ...AMENDABLE,
  'blocked',
  'delivery_unverified',
  'stalled',
  'resumed',
  'reminded',
];

/**
 * The one writer of the registries: finds and makes jobs, records events, and tells its listener of each event once
 * it is on disk.
 */
export class Registrar {
  private readonly home: Home;
  private readonly log: Log;
  private readonly onRecorded: (job: LiveJob, recorded: Recorded) => void;
  private readonly isBusy: (job: LiveJob) => boolean;
  private readonly onBehind: (job: LiveJob) => void;
  private readonly onRemoved: (jobId: string) => void;
  private readonly registries: OpenRegistries;
  private readonly jobs = new Map<string, LiveJob>();
  private readonly loading = new Map<string, Promise<LiveJob>>();
  private readonly pointers: Pointers;
  private readonly seal: Seal;

  /**
   * @param onRecorded called after each event, in the order of the journal
   * @param onLost called when a registry's lock was lost: the hub must stop writing
   * @param isBusy true while something of a job is still to be written
   * @param onBehind called for a job whose `job.json` was found behind its journal
   * @param onRemoved called when a job is gone
   */
  constructor(options: {
    home: Home;
    seal: Seal;
    log: Log;
    onRecorded: (job: LiveJob, recorded: Recorded) => void;
    onLost: (error: Error) => void;
    isBusy: (job: LiveJob) => boolean;
    onBehind: (job: LiveJob) => void;
    onRemoved: (jobId: string) => void;
  }) {
    this.home = options.home;
    this.seal = options.seal;
    this.log = options.log;
    this.onRecorded = options.onRecorded;
    this.isBusy = options.isBusy;
    this.onBehind = options.onBehind;
    this.onRemoved = options.onRemoved;
    const { home, seal, log, onLost } = options;
    this.registries = new OpenRegistries({
      home,
      seal,
      log,
      onLost,
      jobsIn: (dir) => this.jobsIn(dir),
      // Reading it brings it up; one that is in memory is written anyway.
      onBehind: async (dir, jobId) => {
        if (!this.jobs.has(jobId)) await this.load(dir, jobId);
      },
    });
    this.pointers = new Pointers(home, log);
  }

  /** The jobs that are not final. */
  get open(): LiveJob[] {
    return [...this.jobs.values()].filter((job) => !isFinal(job.record.status));
  }

  get registryDirs(): string[] {
    return this.registries.dirs;
  }

  /** The one name of a registry, by whatever path a request or a pointer names it. @param dir absolute */
  nameOf(dir: string): string {
    return this.registries.nameOf(dir);
  }

  /** Opens a registry for writing. @throws MamError `io` when it can't be written, `conflict` when another hub does */
  async ready(registryDir: string): Promise<void> {
    await this.registries.open(registryDir);
    if (existsSync(registryDir)) return;
    // Somebody removed the whole registry: what we knew of it is void, and it is made anew.
    for (const job of this.jobsIn(registryDir)) this.drop(job);
    await this.registries.openAnew(registryDir);
  }

  /**
   * Makes a job in a registry that is ready: its folder, prompt and first event.
   * @returns the job at once, so that its way can begin while the disk is busy; corked, until the dispatcher knows
   *   whether it is typed in now. Its `kept` resolves when all is on disk, and rejects (there is no job then) when not
   * @throws MamError `io` when the registry can't be written, `conflict` when another hub writes it
   */
  create(order: JobOrder, prompt: string): LiveJob {
    const paths = jobPaths(order.registry_dir, order.job_id);
    const job = new LiveJob(order.registry_dir, order.job_id, paths, this.seal);
    job.prompt = prompt;
    try {
      // First: by the pointer the next hub finds what this one has left, should it be killed before the job is there.
      this.pointers.put(job.id, job.registryDir);
    } catch (error) {
      throw noteError(this.home, error);
    }
    try {
      mkdirSync(paths.folder, { mode: 0o700 });
    } catch (error) {
      this.pointers.remove(job.id);
      throw registryError(job.registryDir, error);
    }
    job.cork();
    this.jobs.set(job.id, job);
    const queued = job
      .append(hubDraft(order.job_id, 'queued', { data: { job: order } }))
      .then((recorded) => this.tell(job, recorded));
    const task = writeNew(paths.prompt, prompt);
    job.kept = Promise.all([queued, task]).then(
      () => {},
      async (error: unknown) => {
        await Promise.allSettled([queued, task]);
        await this.unmake(job);
        throw registryError(order.registry_dir, error);
      },
    );
    return job;
  }

  /** Takes back a job that could not be made. */
  private async unmake(job: LiveJob): Promise<void> {
    this.jobs.delete(job.id);
    // Or the list would have it open for ever.
    this.registries.unlist(job.registryDir, job.id);
    this.onRemoved(job.id);
    try {
      await job.close();
      job.retire();
      rmSync(job.paths.folder, { recursive: true, force: true });
      this.pointers.remove(job.id);
    } catch (error) {
      // By its pointer the next hub finds it.
      this.log.error(`what there is of ${job.id} was not removed`, error);
    }
  }

  /**
   * A job by its id, from memory or from a registry.
   * @param registryDir where to look first
   * @throws MamError `not_found` when no known registry has it
   */
  async find(jobId: string, registryDir?: string): Promise<LiveJob> {
    const held = this.jobs.get(jobId);
    if (held !== undefined && !this.dropRemoved(held)) return held;
    const places = new Set([registryDir, ...this.registryDirs, ...readRegistries(this.home)]);
    let history: LiveJob | undefined;
    for (const place of places) {
      if (place === undefined || !hasJob(place, jobId)) continue;
      const job = await this.load(place, jobId);
      if (!job.isHistory) return job;
      // One of the same id that came with a clone must not hide it.
      history ??= job;
    }
    if (history === undefined) throw this.unknown(registryDir);
    return history;
  }

  /** The same for whoever acts on a job. @throws MamError as `find`, and `refused` for one that is only history */
  async findOwn(jobId: string, registryDir?: string): Promise<LiveJob> {
    const job = await this.find(jobId, registryDir);
    if (job.isHistory) throw historyError(job.registryDir, job.id);
    // Of a copied project: what is meant there must not happen to the job that it is a copy of.
    if (
      registryDir !== undefined &&
      hasJob(registryDir, jobId) &&
      !isSamePlace(registryDir, job.registryDir)
    ) {
      throw new MamError(
        'refused',
        `Job ${jobId} in ${registryDir} is a copy: the job itself is in ${job.registryDir}.`,
        `Say it there, or with --registry-dir ${shellWord(job.registryDir)}.`,
      );
    }
    return job;
  }

  /** A job that is in memory: every open one, and those that ended last. */
  held(jobId: string): LiveJob | undefined {
    return this.jobs.get(jobId);
  }

  /**
   * Records an event and tells the listener.
   * @throws MamError `io` when it could not be written
   */
  async record(job: LiveJob, draft: Draft): Promise<Recorded> {
    // Of an ended job as well: should this hub be killed now, the next one brings its files up.
    if (this.jobs.get(job.id) === job) this.pointers.tryPut(job.id, job.registryDir);
    try {
      const recorded = await job.append(draft);
      if (!recorded.repeated) this.tell(job, recorded);
      return recorded;
    } finally {
      if (job.isFinal) setImmediate(() => this.settle(job));
    }
  }

  /**
   * Records an event of the hub's own. A job that can't be written is left as it is, and the log says so. What is concluded
   * of an open job is dropped where its end is on its way to the disk: two that look at one pane see one loss.
   */
  async note(job: LiveJob, type: string, more: Partial<Draft> = {}): Promise<Recorded | undefined> {
    if (job.isFinal && OF_OPEN_JOBS.includes(type)) return undefined;
    try {
      return await this.record(job, hubDraft(job.id, type, more));
    } catch (error) {
      this.log.error(`event ${type} of ${job.id} was not recorded`, error);
      return undefined;
    }
  }

  /** The list of a registry's jobs. @throws MamError as `create` */
  index(registryDir: string): Promise<JobIndex> {
    return this.registries.index(registryDir);
  }

  /** A row of a list with the job's present words: the list itself hears only where a job stands. */
  present(row: JobRow): JobRow {
    const job = this.jobs.get(row.job_id);
    if (job !== undefined) return toRow(job.record);
    // Every open job of ours is in memory: this one came with a clone, or from another home.
    return isFinal(row.status as Status) ? row : historyOf(row);
  }

  /** Takes up a job that was live when the last hub ended. */
  async resume(jobId: string, registryDir: string): Promise<LiveJob | undefined> {
    this.pointers.adopt(jobId);
    sweepHalfMade(registryDir, jobId);
    if (!hasJob(registryDir, jobId)) return this.nothing(jobId);
    sweepJob(jobPaths(registryDir, jobId).folder);
    try {
      const job = await this.load(registryDir, jobId);
      return job.isHistory ? undefined : job;
    } catch (error) {
      // Its journal has nothing in it.
      if (error instanceof MamError && error.code === 'not_found') return this.nothing(jobId);
      throw error;
    }
  }

  /** There is no such job. */
  private nothing(jobId: string): undefined {
    this.pointers.remove(jobId);
    this.onRemoved(jobId);
  }

  /** Writes what is due and gives the registries back. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.jobs.values()].map((job) => job.close()));
    await this.registries.close();
  }

  /**
   * Takes an ended job out of its registry, in this very turn.
   * @returns false when something of it is still on its way to the disk: then it stays
   * @throws the system's error when its folder can't be moved; then it stays as well
   */
  remove(dir: string, jobId: string): boolean {
    const job = this.jobs.get(jobId);
    if (this.loading.has(jobId) || (job !== undefined && (!isSettled(job.record) || this.isBusy(job))))
      return false;
    if (job !== undefined && !job.retire()) return false;
    try {
      moveToTrash(dir, jobId);
    } catch (error) {
      job?.unretire();
      throw error;
    }
    this.jobs.delete(jobId);
    this.pointers.remove(jobId);
    void job?.close().catch(() => {});
    this.onRemoved(jobId);
    return true;
  }

  /**
   * Lets go of a job whose folder somebody has removed by hand. An open one ends with that, so that those who wait for
   * it, or stand behind it in its pane, go on.
   * @returns false when its folder is there, or something of it is on its way to the disk
   */
  dropRemoved(job: LiveJob): boolean {
    if (!isRemoved(job.registryDir, job.id) || !job.retire()) return false;
    this.drop(job);
    return true;
  }

  /** Its folder is gone. */
  private drop(job: LiveJob): void {
    job.retire();
    this.log.warn(`the folder ${job.paths.folder} was removed by hand: its job is dropped`);
    if (!isFinal(job.record.status)) {
      const detail = `Somebody removed its folder ${job.paths.folder}.`;
      this.onRecorded(job, job.endUnkept(hubDraft(job.id, 'cancelled', { source: 'person', detail })));
    }
    this.jobs.delete(job.id);
    this.pointers.remove(job.id);
    this.registries.unlist(job.registryDir, job.id);
    void job.close().catch(() => {});
    this.onRemoved(job.id);
  }

  private jobsIn(registryDir: string): LiveJob[] {
    return [...this.jobs.values()].filter((job) => job.registryDir === registryDir);
  }

  private unknown(registryDir: string | undefined): MamError {
    const open = this.open.filter((job) => registryDir === undefined || job.registryDir === registryDir);
    const named = open.slice(0, NAMED_JOBS).map(({ id }) => id);
    const where = registryDir === undefined ? '' : ` in ${registryDir}`;
    const known = named.length === 0 ? `No job is open${where}.` : `Open jobs${where}: ${named.join(', ')}.`;
    return new MamError(
      'not_found',
      'There is no job with this id.',
      `${known} Call list_jobs (\`mam list\`) for all ids.`,
    );
  }

  private load(place: string, jobId: string): Promise<LiveJob> {
    const running = this.loading.get(jobId);
    if (running !== undefined) return running;
    const dir = this.nameOf(place);
    const loading = (async () => {
      await this.registries.open(dir);
      const job = LiveJob.load(dir, jobId, this.seal);
      for (const sentence of job.damage) this.log.warn(sentence);
      // Neither kept in memory nor pointed to: nothing will ever be done for it.
      if (job.isHistory) return job;
      this.jobs.set(jobId, job);
      if (!job.isWritten) this.onBehind(job);
      if (isAtRest(job) && job.isWritten) this.pointers.remove(jobId);
      else this.pointers.tryPut(jobId, dir);
      return job;
    })();
    this.loading.set(jobId, loading);
    return loading.finally(() => this.loading.delete(jobId));
  }

  private tell(job: LiveJob, recorded: Recorded): void {
    const { before, after } = recorded;
    try {
      this.onRecorded(job, recorded);
    } catch (error) {
      // It is on the disk: whoever reported it is told so.
      this.log.error(`event ${recorded.event.type} of ${job.id} was not told to all`, error);
    }
    // An ended job's row is taken as it is by the next hub, unless its journal has grown since.
    if (before !== undefined && standsAs(before, after) && !isFinal(after.status)) return;
    // Waiters hear of it first: a message leaves when this turn ends.
    setImmediate(() => this.registries.list(job));
  }

  /** Once nothing is left to do for a job, and its files say so, the next hub need not take it up. */
  settle(job: LiveJob): void {
    if (this.jobs.get(job.id) !== job || !isAtRest(job) || this.isBusy(job)) return;
    this.pointers.remove(job.id);
    this.forgetOldest();
  }

  /** Keeps the memory of ended jobs small; they are found on disk again. */
  private forgetOldest(): void {
    const ended = [...this.jobs.values()].filter((job) => isAtRest(job) && !this.isBusy(job));
    for (const job of ended.slice(0, Math.max(0, ended.length - KEPT_FINAL))) {
      this.jobs.delete(job.id);
      void job.close().catch((error) => this.log.error(`journal of ${job.id} was not closed`, error));
    }
  }
}

/** True when an event has moved its job neither in the list nor towards its rest. */
function standsAs(before: JobRecord, after: JobRecord): boolean {
  return (
    before.status === after.status &&
    before.reason === after.reason &&
    before.phase === after.phase &&
    before.blocked_by === after.blocked_by &&
    before.held_up === after.held_up &&
    owesLine(before) === owesLine(after)
  );
}

/** True for a job of which the hub has nothing left to do. */
function isAtRest({ record }: LiveJob): boolean {
  return isSettled(record) && !owesLine(record) && record.notifying === undefined;
}
