import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { MamError, systemCode } from '../errors.ts';
import { isSettled } from '../job/apply.ts';
import { newEventId } from '../job/id.ts';
import type { JobOrder } from '../job/record.ts';
import type { JobRow } from '../job/request.ts';
import { owesLine } from '../job/wake.ts';
import { isFinal } from '../job/words.ts';
import { sweepNeighbours, writeNew } from '../registry/files.ts';
import { addRegistry, type Home, readRegistries, removePointer, writePointer } from '../registry/home.ts';
import { JobIndex, toRow } from '../registry/job-index.ts';
import { type HeldLock, takeLock, thisOwner } from '../registry/lock.ts';
import { ensureRegistry, hasJob, jobPaths, registryError } from '../registry/paths.ts';
import { emptyTrash, moveToTrash } from '../registry/trash.ts';
import { type Draft, LiveJob, type Recorded } from './live-job.ts';
import type { Log } from './log.ts';

/** A registry folder that this hub writes. */
interface OpenRegistry {
  dir: string;
  lock: HeldLock;
  index: JobIndex | undefined;
  indexing: Promise<JobIndex> | undefined;
}

/** How many ended jobs stay in memory for late reports and questions. */
const KEPT_FINAL = 200;
/** How a supervisor hears of its job, in words. */
const TOLD = {
  seen: 'The supervisor has looked, or waits.',
  channel: "It is told over the supervisor's channel, which acknowledges nothing.",
  typing: "A line is typed into the supervisor's pane.",
  typed: 'The supervisor has taken the line.',
  blocked: 'The line was not typed: its pane had changed. It comes when that is free.',
  unverified: 'Whether the supervisor has taken the line is not known. It is not typed again.',
  gone: "The supervisor's agent has left its pane.",
} as const;
/** How many open jobs an error names. */
const NAMED_JOBS = 5;
/** New words of a job are in the list after this time, in ms. */
const LIST_MS = 100;

/**
 * The one writer of the registries: finds and makes jobs, records events, and tells its listener of each event once
 * it is on disk.
 */
export class Registrar {
  private readonly home: Home;
  private readonly log: Log;
  private readonly onRecorded: (job: LiveJob, recorded: Recorded) => void;
  private readonly onLost: (error: Error) => void;
  private readonly isBusy: (job: LiveJob) => boolean;
  private readonly onRemoved: (jobId: string) => void;
  private readonly registries = new Map<string, Promise<OpenRegistry>>();
  private readonly opened: OpenRegistry[] = [];
  private readonly jobs = new Map<string, LiveJob>();
  private readonly loading = new Map<string, Promise<LiveJob>>();
  private readonly pointers = new Set<string>();
  private readonly listed = new Set<LiveJob>();
  private listing: NodeJS.Timeout | undefined;

  /**
   * @param onRecorded called after each event, in the order of the journal
   * @param onLost called when a registry's lock was lost: the hub must stop writing
   * @param isBusy true while something of a job is still to be written
   * @param onRemoved called when a job is gone
   */
  constructor(options: {
    home: Home;
    log: Log;
    onRecorded: (job: LiveJob, recorded: Recorded) => void;
    onLost: (error: Error) => void;
    isBusy: (job: LiveJob) => boolean;
    onRemoved: (jobId: string) => void;
  }) {
    this.home = options.home;
    this.log = options.log;
    this.onRecorded = options.onRecorded;
    this.onLost = options.onLost;
    this.isBusy = options.isBusy;
    this.onRemoved = options.onRemoved;
  }

  /** The jobs that are not final. */
  get open(): LiveJob[] {
    return [...this.jobs.values()].filter((job) => !isFinal(job.record.status));
  }

  get registryDirs(): string[] {
    return this.opened.map((registry) => registry.dir);
  }

  /** Opens a registry for writing. @throws MamError `io` when it can't be written, `conflict` when another hub does */
  async ready(registryDir: string): Promise<void> {
    const known = await this.registry(registryDir);
    if (existsSync(registryDir)) return;
    // Somebody removed the whole registry: what we knew of it is void, and it is made anew.
    this.registries.delete(registryDir);
    this.opened.splice(this.opened.indexOf(known), 1);
    for (const job of this.jobs.values()) if (job.registryDir === registryDir) this.jobs.delete(job.id);
    await known.lock.release();
    await this.registry(registryDir);
  }

  /**
   * Makes a job in a registry that is ready: its folder, prompt and first event.
   * @returns the job at once, so that its way can begin while the disk is busy; corked, until the dispatcher knows
   *   whether it is typed in now. Its `kept` resolves when all is on disk, and rejects (there is no job then) when not
   * @throws MamError `io` when the registry can't be written, `conflict` when another hub writes it
   */
  create(order: JobOrder, prompt: string): LiveJob {
    const paths = jobPaths(order.registry_dir, order.job_id);
    const job = new LiveJob(order.registry_dir, order.job_id, paths);
    job.prompt = prompt;
    job.cork();
    try {
      mkdirSync(paths.folder, { mode: 0o700 });
      // The pointer comes first: a crash right after leaves one that leads nowhere, never a job without one.
      this.point(order.job_id, order.registry_dir);
    } catch (error) {
      throw registryError(order.registry_dir, error);
    }
    this.jobs.set(job.id, job);
    const queued = job
      .append(hubDraft(order.job_id, 'queued', { data: { job: order } }))
      .then((recorded) => this.tell(job, recorded));
    job.kept = Promise.all([queued, writeNew(paths.prompt, prompt)]).then(
      () => {},
      async (error: unknown) => {
        await queued.catch(() => {});
        this.jobs.delete(job.id);
        this.unpoint(job.id);
        // Or the list would have it open for ever.
        for (const { dir, index } of this.opened)
          if (dir === order.registry_dir) index?.remove(new Set([job.id]));
        this.onRemoved(job.id);
        rmSync(paths.folder, { recursive: true, force: true });
        throw error instanceof MamError ? error : registryError(order.registry_dir, error);
      },
    );
    return job;
  }

  /**
   * A job by its id, from memory or from a registry.
   * @param registryDir where to look first
   * @throws MamError `not_found` when no known registry has it
   */
  async find(jobId: string, registryDir?: string): Promise<LiveJob> {
    const held = this.jobs.get(jobId);
    if (held !== undefined) return held;
    const places = [registryDir, ...this.registryDirs, ...readRegistries(this.home)];
    const dir = places.find((place) => place !== undefined && hasJob(place, jobId));
    if (dir === undefined) throw this.unknown();
    return this.load(dir, jobId);
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
    const recorded = await job.append(draft);
    if (!recorded.repeated) this.tell(job, recorded);
    return recorded;
  }

  /** Records an event of the hub's own. A job that can't be written is left as it is, and the log says so. */
  async note(job: LiveJob, type: string, more: Partial<Draft> = {}): Promise<Recorded | undefined> {
    try {
      return await this.record(job, hubDraft(job.id, type, more));
    } catch (error) {
      this.log.error(`event ${type} of ${job.id} was not recorded`, error);
      return undefined;
    }
  }

  /**
   * Notes how far a job's supervisor has been told.
   * @param seq the wake that it knows of now
   * @param how `seen` by a look or a wait; `channel`; `typing`, then `typed`, `unverified` or `blocked`; or `gone` with its pane
   */
  async told(job: LiveJob, seq: number, how: keyof typeof TOLD, evidence?: string): Promise<void> {
    const data = { seq, how, ...(evidence && { evidence }) };
    await this.record(job, hubDraft(job.id, 'notified', { detail: TOLD[how], data }));
  }

  /** The list of a registry's jobs. @throws MamError as `create` */
  async index(registryDir: string): Promise<JobIndex> {
    const registry = await this.registry(registryDir);
    registry.indexing ??= this.loadIndex(registry).catch((error) => {
      registry.indexing = undefined;
      throw registryError(registryDir, error);
    });
    return registry.indexing;
  }

  /** A row of a list with the job's present words: the index hears only of changes of its status. */
  present(row: JobRow): JobRow {
    const job = this.jobs.get(row.job_id);
    return job === undefined ? row : toRow(job.record);
  }

  private async loadIndex(registry: OpenRegistry): Promise<JobIndex> {
    const index = await JobIndex.load(registry.dir, true);
    // What happened while it was read.
    for (const job of this.jobs.values()) if (job.registryDir === registry.dir) index.put(job.record);
    registry.index = index;
    return index;
  }

  /** Takes up a job that was live when the last hub ended. */
  async resume(jobId: string, registryDir: string): Promise<LiveJob | undefined> {
    this.pointers.add(jobId);
    if (!hasJob(registryDir, jobId)) {
      this.unpoint(jobId);
      return undefined;
    }
    sweepNeighbours(jobPaths(registryDir, jobId).folder);
    return this.load(registryDir, jobId);
  }

  /** Writes what is due and gives the registries back. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.jobs.values()].map((job) => job.close()));
    for (const registry of this.opened) {
      await registry.index?.write();
      await registry.lock.release();
    }
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
    this.unpoint(jobId);
    void job?.close().catch(() => {});
    this.onRemoved(jobId);
    return true;
  }

  private unknown(): MamError {
    const open = this.open.slice(0, NAMED_JOBS).map((job) => job.id);
    const known = open.length === 0 ? 'No job is open.' : `Open jobs: ${open.join(', ')}.`;
    return new MamError(
      'not_found',
      'There is no job with this id.',
      `${known} Call list_jobs (\`mam list\`) for all ids.`,
    );
  }

  private load(dir: string, jobId: string): Promise<LiveJob> {
    const running = this.loading.get(jobId);
    if (running !== undefined) return running;
    const loading = (async () => {
      await this.registry(dir);
      const job = LiveJob.load(dir, jobId);
      for (const sentence of job.damage) this.log.warn(sentence);
      this.jobs.set(jobId, job);
      if (isAtRest(job)) this.unpoint(jobId);
      else this.point(jobId, dir);
      return job;
    })();
    this.loading.set(jobId, loading);
    return loading.finally(() => this.loading.delete(jobId));
  }

  private registry(dir: string): Promise<OpenRegistry> {
    let opening = this.registries.get(dir);
    if (opening === undefined) {
      opening = this.openRegistry(dir);
      this.registries.set(dir, opening);
      // A registry that could not be opened may be mended: the next request tries again.
      opening.catch(() => this.registries.delete(dir));
    }
    return opening;
  }

  private async openRegistry(dir: string): Promise<OpenRegistry> {
    ensureRegistry(dir);
    let lock: Awaited<ReturnType<typeof takeLock>>;
    try {
      lock = await takeLock(`${dir}/.hub`, thisOwner(this.home.folder), this.onLost);
    } catch (error) {
      throw registryError(dir, error);
    }
    if ('heldBy' in lock) {
      throw new MamError(
        'conflict',
        `The registry ${dir} is being written by another hub (process ${lock.heldBy.pid}, MAM_HOME ${lock.heldBy.what}).`,
        'Use the same MAM_HOME as it, or set MAM_REGISTRY_DIR to another folder.',
      );
    }
    if (!readRegistries(this.home).includes(dir)) await addRegistry(this.home, dir);
    const registry = { dir, lock, index: undefined, indexing: undefined };
    this.opened.push(registry);
    // What a hub that was killed while it pruned has left.
    void emptyTrash(dir).catch((error) => this.log.error(`the trash of ${dir} was not emptied`, error));
    return registry;
  }

  /** Words and a reason change the list soon, not at once: a peer may report without a pause. */
  private listSoon(job: LiveJob): void {
    this.listed.add(job);
    this.listing ??= setTimeout(() => {
      this.listing = undefined;
      for (const one of this.listed) this.list(one);
      this.listed.clear();
    }, LIST_MS).unref();
  }

  private list(job: LiveJob): void {
    void this.registries.get(job.registryDir)?.then((registry) => registry.index?.put(job.record));
  }

  private tell(job: LiveJob, recorded: Recorded): void {
    const { before, after } = recorded;
    this.onRecorded(job, recorded);
    if (
      before?.status === after.status &&
      before.phase === after.phase &&
      owesLine(before) === owesLine(after)
    ) {
      if (before.detail !== after.detail || before.reason !== after.reason) this.listSoon(job);
      return;
    }
    // Waiters hear of it first: a message leaves when this turn ends.
    setImmediate(() => {
      this.list(job);
      if (isAtRest(job)) {
        this.unpoint(job.id);
        this.forgetOldest();
      } else {
        // A late report on an ended job may begin a check, which a new hub must take up.
        this.point(job.id, job.registryDir);
      }
    });
  }

  /** Keeps the memory of ended jobs small; they are found on disk again. */
  private forgetOldest(): void {
    const ended = [...this.jobs.values()].filter(isAtRest);
    for (const job of ended.slice(0, Math.max(0, ended.length - KEPT_FINAL))) {
      this.jobs.delete(job.id);
      void job.close().catch((error) => this.log.error(`journal of ${job.id} was not closed`, error));
    }
  }

  private point(jobId: string, dir: string): void {
    if (this.pointers.has(jobId)) return;
    writePointer(this.home, jobId, dir);
    this.pointers.add(jobId);
  }

  private unpoint(jobId: string): void {
    if (!this.pointers.delete(jobId)) return;
    try {
      removePointer(this.home, jobId);
    } catch (error) {
      this.log.warn(`pointer of ${jobId} was not removed (${systemCode(error) ?? 'unknown error'})`);
    }
  }
}

/** True for a job of which the hub has nothing left to do. */
function isAtRest({ record }: LiveJob): boolean {
  return isSettled(record) && !owesLine(record);
}

/** An event of the hub's own. */
export function hubDraft(jobId: string, type: string, more: Partial<Draft> = {}): Draft {
  return {
    event_id: newEventId(),
    job_id: jobId,
    type,
    source: 'hub',
    at: new Date().toISOString(),
    ...more,
  };
}
