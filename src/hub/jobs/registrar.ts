import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { isSettled } from '../../job/apply.ts';
import { type Draft, draftEvent, type EventType, type Saying } from '../../job/event.ts';
import { historyError, historyOf } from '../../job/history.ts';
import type { JobOrder, JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import { owesLine } from '../../job/wake.ts';
import { AMENDABLE, isFinal, type Status } from '../../job/words.ts';
import type { AwayRegistry } from '../../operations/request.ts';
import {
  awayError,
  awayListError,
  inodeOf,
  isAway,
  journalGoneError,
  shutError,
  whyNotFound,
} from '../../registry/away.ts';
import { sweepJob, writeNew } from '../../registry/files.ts';
import { type FoldedJob, foldJob } from '../../registry/fold.ts';
import { sweepHalfMade } from '../../registry/half-made.ts';
import { copyError, proofError } from '../../registry/history.ts';
import { type Home, noteError, type Pointer, readRegistries, retainedPlace } from '../../registry/home.ts';
import { type JobIndex, toRow } from '../../registry/job-index.ts';
import { forgetJob, moveNotes, noteJob, placesOf } from '../../registry/known-jobs.ts';
import { keepText } from '../../registry/last-texts.ts';
import { isMovedTo, projectFolderOf, renamedTo } from '../../registry/moved.ts';
import { hasJob, inodeAt, isRemoved, jobPaths, registryError, whereIs } from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import { moveToTrash } from '../../registry/trash.ts';
import { AwayJobs, registriesOf } from './away-jobs.ts';
import { HeldEvents, mayPass } from './held-events.ts';
import { LiveJob, type Recorded } from './live-job.ts';
import { OpenRegistries } from './open-registries.ts';
import { markOf, Pointers } from './pointers.ts';
import { Search } from './search.ts';

/** How many ended jobs stay in memory for late reports and questions, and how much of it they may take, in bytes. */
const KEPT_FINAL = 200;
const KEPT_BYTES = 4 * 1024 * 1024;
/** So many jobs are read between two turns of the event loop, some ms each. */
const LOADED_AT_ONCE = 20;
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
  /** Open jobs that were found, and that nothing pointed to: nobody has taken them up yet. */
  private readonly strays = new Set<LiveJob>();
  private readonly loading = new Map<string, Promise<LiveJob>>();
  private readonly pointers: Pointers;
  readonly search: Search;
  private readonly seal: Seal;
  private step: Promise<void> = Promise.resolve();
  private loads = 0;
  private readonly mending = new Map<string, Promise<boolean>>();
  private readonly late: HeldEvents;
  private readonly away: AwayJobs;
  /** Live jobs that this home's key does not prove: another one did. */
  private readonly unproven = new Map<string, Pointer>();
  /** Why an event could not be recorded that is looked for again: said once. */
  private readonly unrecorded = new Map<string, string>();

  /**
   * @param onRecorded called after each event, in the order of the journal
   * @param isBusy true while something of a job is still to be written
   * @param onBehind called for a job whose `job.json` was found behind its journal
   * @param onRemoved called when a job is gone
   */
  constructor(options: {
    home: Home;
    seal: Seal;
    log: Log;
    onRecorded: (job: LiveJob, recorded: Recorded) => void;
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
    const { home, seal, log } = options;
    this.registries = new OpenRegistries({
      home,
      seal,
      log,
      jobsIn: (dir) => this.jobsIn(dir),
      // Reading it brings it up; one that is in memory is written anyway.
      onBehind: async (dir, jobId) => {
        if (!this.jobs.has(jobId)) await this.load(dir, jobId);
      },
      // Why it was not is in the log.
      onLoose: (dir) => void this.mend(dir, false).catch(() => {}),
    });
    this.pointers = new Pointers(home, log);
    this.search = new Search({
      ...{ home, seal, log },
      onFound: async (dir, id) => {
        if (this.jobs.has(id) || this.away.get(id) !== undefined) return;
        await this.load(dir, id).catch((error: unknown) =>
          this.waitFor({ jobId: id, registryDir: dir }, error),
        );
      },
    });
    this.away = new AwayJobs(log);
    this.late = new HeldEvents(log, (job, draft) => this.write(job, draft));
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
    this.checkAway(registryDir);
    await this.registries.open(registryDir);
    const isThere = existsSync(registryDir);
    if (isThere && this.registries.isHeld(registryDir)) return;
    const open = this.jobsIn(registryDir).find((job) => !isFinal(job.record.status));
    if (isThere || open !== undefined) {
      // A peer may have cleaned its working folder: its job goes on. What is only away comes back with its jobs.
      const isMended = (await this.mend(registryDir)) && open?.isThere !== false;
      if (!isMended && open !== undefined) throw awayError(pointerOf(open));
      return;
    }
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
    const dir = order.registry_dir;
    const mayWrite = (isOpen: boolean): void => this.registries.check(job.registryDir, isOpen);
    const job: LiveJob = new LiveJob(dir, order.job_id, paths, this.seal, { mayWrite, isNew: true });
    job.prompt = prompt;
    keepText(order.prompt_sha256, prompt);
    try {
      // First: by the pointer the next hub finds what this one has left, should it be killed before the job is there.
      this.pointers.put(job);
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
    this.place(job);
    if (job.registryInode !== undefined) noteJob(this.home, dir, job.id, job.registryInode);
    this.jobs.set(job.id, job);
    const queued = job
      .append(draftEvent(order.job_id, 'queued', { data: { job: order } }))
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
   * @throws MamError `not_found` when no known registry has it, `io` when one that may have it is not there now
   */
  async find(jobId: string, registryDir?: string): Promise<LiveJob> {
    const held = this.jobs.get(jobId);
    if (held !== undefined && !this.dropRemoved(held)) return held;
    const away = this.away.get(jobId);
    if (away !== undefined) {
      if (!hasJob(away.registryDir, jobId)) throw this.unknown(jobId, away.registryDir);
      // Its limits are taken up within a second.
      return this.load(away.registryDir, jobId, away);
    }
    const noted = [
      ...placesOf(this.home, jobId).map((one) => one.registryDir),
      retainedPlace(this.home, jobId),
    ];
    let history: LiveJob | undefined;
    for (const place of new Set([
      registryDir,
      ...this.registryDirs,
      ...readRegistries(this.home),
      ...noted,
    ])) {
      if (place === undefined || !hasJob(place, jobId)) continue;
      const job = await this.load(place, jobId);
      if (!job.isHistory) return job;
      // One of the same id that came with a clone must not hide it.
      history ??= job;
    }
    if (history === undefined) throw this.unknown(jobId, registryDir);
    return history;
  }

  /** The same for whoever acts on a job. @throws MamError as `find`, and `refused` for one that is only history */
  async findOwn(jobId: string, registryDir?: string): Promise<LiveJob> {
    const job = await this.find(jobId, registryDir);
    if (job.isHistory && this.unproven.has(jobId)) throw proofError(jobId, this.home.key);
    if (job.copyOf !== undefined) throw copyError(job.registryDir, job.id, job.copyOf);
    if (job.isHistory) throw historyError(job.registryDir, job.id);
    // Of a copied project: what is meant there must not happen to the job that it is a copy of.
    if (registryDir !== undefined && hasJob(registryDir, jobId) && !isSamePlace(registryDir, job.registryDir))
      throw copyError(registryDir, jobId, job.registryDir);
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
  record(job: LiveJob, draft: Draft): Promise<Recorded> {
    this.late.flush(job);
    return this.write(job, draft);
  }

  /**
   * Records an event of the hub's own: something that has happened, and will not be seen again. What is concluded of an
   * open job is dropped where its end is on its way to the disk: two that look at one pane see one loss.
   * @returns nothing when it could not be written now: then it is, before anything newer of its job, when it can be
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
    this.late.hold(job, draft, error);
  }

  /** The same for what its caller looks at again: it may be void by the time that it can be written. */
  async noteNow<T extends EventType>(
    job: LiveJob,
    type: T,
    more: Saying<T> = {},
  ): Promise<Recorded | undefined> {
    if (isVoid(job, type)) return undefined;
    const key = `${job.id} ${type}`;
    try {
      const recorded = await this.record(job, draftEvent(job.id, type, more));
      this.unrecorded.delete(key);
      return recorded;
    } catch (error) {
      const why = explain(error);
      if (this.unrecorded.get(key) !== why)
        this.log.error(`event ${type} of ${job.id} cannot be recorded now`, error);
      this.unrecorded.set(key, why);
      return undefined;
    }
  }

  /** True while something that has happened to a job is still to be written. */
  isHolding(job: LiveJob): boolean {
    return this.late.has(job);
  }

  /** True while something that has happened to any job is still to be written. */
  get isBehind(): boolean {
    return this.late.size > 0;
  }

  /** Every second: what could not be written is tried again, and what somebody has removed is noticed. */
  look(): void {
    // Why it was not mended is in the log.
    for (const job of this.open)
      if (!this.dropRemoved(job) && isTakenOut(job)) void this.mend(job.registryDir).catch(() => {});
    this.registries.look(new Set(this.open.map(({ registryDir }) => registryDir)));
    this.late.retry();
    // On a full disk it could not be written.
    for (const job of this.jobs.values()) if (!isAtRest(job)) this.pointers.tryPut(job);
    this.pointers.look(this.jobs.values());
  }

  /** The list of a registry's jobs. @throws MamError as `create` */
  async index(registryDir: string): Promise<JobIndex> {
    this.checkAway(registryDir);
    return this.registries.index(registryDir);
  }

  /** A row of a list with the job's present words: the list itself hears only where a job stands. */
  present(row: JobRow): JobRow {
    const job = this.jobs.get(row.job_id);
    if (job !== undefined) return toRow(job.record);
    // Every other open job of ours is in memory: this one came with a clone, or from another home.
    return isFinal(row.status as Status) || this.away.get(row.job_id) !== undefined ? row : historyOf(row);
  }

  /**
   * Takes up a job that was live when the last hub ended.
   * @returns nothing for one that is gone, or away: then `comeBack` gives it later
   * @throws MamError for one that can't be read
   */
  async resume(pointer: Pointer): Promise<LiveJob | undefined> {
    const { jobId, registryDir } = pointer;
    const inode = inodeOf(pointer);
    // One that says nothing of the registry's folder is written anew, with that.
    if (inode !== undefined) this.pointers.adopt(jobId);
    const where = whereIs(registryDir, jobId, inode);
    const moved = where === 'away' && inode !== undefined ? renamedTo(registryDir, inode) : undefined;
    if (moved !== undefined && hasJob(moved, jobId)) {
      const job = await this.resume({ ...pointer, registryDir: moved });
      if (job !== undefined) this.pointers.renew(job);
      moveNotes(this.home, registryDir, moved);
      return job;
    }
    // What this hub itself has put into an empty folder meanwhile is no proof.
    const wasAway = inode === undefined && this.away.isAway(jobId);
    if (where === 'away' || (where === 'gone' && wasAway)) {
      this.away.put(pointer, shutError(pointer));
      return undefined;
    }
    if (where === 'cut') {
      this.away.put(pointer, journalGoneError(registryDir, jobId));
      return undefined;
    }
    sweepHalfMade(registryDir, jobId);
    if (where === 'gone' || !hasJob(registryDir, jobId)) return this.nothing(jobId);
    try {
      const job = this.jobs.get(jobId) ?? (await this.load(registryDir, jobId, pointer));
      this.strays.delete(job);
      this.away.delete(jobId);
      if (!job.isHistory) return job;
      this.log.error(`job ${jobId} was not taken up`, proofError(jobId, this.home.key));
      this.unproven.set(jobId, pointer);
      this.pointers.adopt(jobId);
      return undefined;
    } catch (error) {
      // Its journal has nothing in it.
      if (error instanceof MamError && error.code === 'not_found') return this.nothing(jobId);
      this.waitFor(pointer, error);
      return undefined;
    }
  }

  /** Looks again for a job that can't be read now. @throws what will not pass */
  private waitFor(pointer: Pointer, error: unknown): void {
    if (!(error instanceof MamError) || !(mayPass(error) || error.code === 'unavailable')) throw error;
    this.away.put(pointer, error);
  }

  /** There is no such job. */
  private nothing(jobId: string): undefined {
    this.away.delete(jobId);
    this.pointers.adopt(jobId);
    this.pointers.remove(jobId);
    this.onRemoved(jobId);
    return undefined;
  }

  /** Live jobs that nothing proves, since the key of this home was lost. */
  get unprovenJobs(): string[] {
    return [...this.unproven.keys()];
  }

  /** Registries with live jobs that can't be written, or looked into, now. */
  get awayRegistries(): AwayRegistry[] {
    const held = this.open
      .filter((job) => isMissing(job) || this.registries.takenBy(job.registryDir) !== undefined)
      .map(({ id, registryDir }) => ({ jobId: id, registryDir, why: this.registries.takenBy(registryDir) }));
    return [...this.away.registries, ...registriesOf(held)];
  }

  /** True while jobs of the last hub wait to be taken up. */
  get isWaiting(): boolean {
    return this.away.size > 0 || this.search.isWaiting;
  }

  /** @throws MamError `io` for a registry with jobs that is not there now. @param isEmpty the folder there has none */
  checkThere(registryDir: string, isEmpty = false): void {
    this.checkAway(registryDir);
    const inode = inodeAt(registryDir);
    const open = this.jobsIn(registryDir).find((job) => !job.isFinal && job.registryInode !== inode);
    if (open !== undefined) throw awayError(pointerOf(open));
    const away = awayListError(this.home, registryDir, isEmpty);
    if (away !== undefined) throw away;
  }

  /** The same for one that the last hub has left: to open it would make it anew. */
  private checkAway(registryDir: string): void {
    const away = this.away.pointers.find((one) => one.registryDir === registryDir && isAway(one));
    if (away !== undefined) throw awayError(away);
    // The project itself is missing: a new one would hide what comes back.
    const gone = existsSync(projectFolderOf(registryDir))
      ? undefined
      : awayListError(this.home, registryDir, true);
    if (gone !== undefined) throw gone;
  }

  /** The jobs that were away and are back, and those that were found without a pointer, each once. */
  async comeBack(): Promise<LiveJob[]> {
    await this.search.again();
    const back = [...this.strays].filter((job) => this.jobs.get(job.id) === job && !isAtRest(job));
    this.strays.clear();
    if (back.length > 0) this.log.warn(`${back.length} open jobs were found again that nothing pointed to`);
    for (const pointer of this.away.due) {
      try {
        const job = await this.resume(pointer);
        if (job !== undefined) back.push(job);
      } catch (error) {
        this.log.error(`job ${pointer.jobId} was not taken up`, error);
      }
    }
    return back;
  }

  /** Writes what is due and gives the registries back. @param flush writes what follows from that, before */
  async close(flush: () => Promise<void> = async () => {}): Promise<void> {
    for (const job of this.jobs.values()) this.late.flush(job);
    await Promise.allSettled([...this.jobs.values()].map((job) => job.close()));
    await flush();
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
    if (!isRemoved(job.registryDir, job.id) || inodeAt(job.registryDir) !== job.registryInode) return false;
    if (!job.retire()) return false;
    this.drop(job);
    return true;
  }

  /**
   * Lets go of a live job whose registry, or whose proof, is not there: somebody gives up waiting for it.
   * @returns the registry that it was in, and its last record where that is known; nothing for a job that is not away
   */
  letGo(jobId: string, more: Saying<'cancelled'>): { registryDir: string; record?: JobRecord } | undefined {
    const job = this.jobs.get(jobId);
    if (job !== undefined && isMissing(job) && !job.isFinal) {
      this.drop(job, more);
      forgetJob(this.home, job.registryDir, jobId);
      return { registryDir: job.registryDir, record: job.record };
    }
    const pointer = (this.away.isAway(jobId) ? this.away.get(jobId) : undefined) ?? this.unproven.get(jobId);
    if (pointer === undefined) return undefined;
    this.log.warn(`${jobId} is let go: nothing of it in ${pointer.registryDir} can be gone on with`);
    this.unproven.delete(jobId);
    this.nothing(jobId);
    forgetJob(this.home, pointer.registryDir, jobId);
    return pointer;
  }

  /** Its folder is gone. */
  private drop(job: LiveJob, more?: Saying<'cancelled'>): void {
    job.retire();
    this.log.warn(`the folder ${job.paths.folder} is gone: its job is dropped`);
    if (!isFinal(job.record.status)) {
      const detail = `Somebody removed its folder ${job.paths.folder}.`;
      const draft = draftEvent(job.id, 'cancelled', more ?? { source: 'person', detail });
      this.onRecorded(job, job.endUnkept(draft));
    }
    this.jobs.delete(job.id);
    this.late.forget(job);
    this.pointers.remove(job.id);
    this.registries.unlist(job.registryDir, job.id);
    void job.close().catch(() => {});
    this.onRemoved(job.id);
  }

  private jobsIn(registryDir: string): LiveJob[] {
    return [...this.jobs.values()].filter((job) => job.registryDir === registryDir);
  }

  private unknown(jobId: string, registryDir: string | undefined): MamError {
    const why = whyNotFound(this.home, jobId, [
      ...this.registryDirs,
      ...(registryDir === undefined ? [] : [registryDir]),
    ]);
    if (why !== undefined) return why;
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

  private load(place: string, jobId: string, pointer?: Pointer): Promise<LiveJob> {
    const running = this.loading.get(jobId);
    if (running !== undefined) return running;
    const dir = this.nameOf(place);
    if (whereIs(dir, jobId) === 'cut') return Promise.reject(journalGoneError(dir, jobId));
    const loading = (async () => {
      await this.registries.open(dir);
      await this.inSteps();
      const job: LiveJob = LiveJob.load(dir, jobId, this.seal, {
        mark: pointer && markOf(pointer),
        // By its pointer it is the job itself.
        originalOf: (job) => (pointer === undefined ? this.originalOf(job, dir) : undefined),
        mayWrite: (isOpen: boolean) => this.registries.check(job.registryDir, isOpen),
      });
      this.place(job);
      for (const sentence of job.damage) this.log.warn(sentence);
      // Neither kept in memory nor pointed to: nothing will ever be done for it.
      if (job.isHistory) return job;
      // Before any of its files is written.
      sweepJob(job.paths.folder);
      this.jobs.set(jobId, job);
      if (pointer === undefined && !isAtRest(job)) this.strays.add(job);
      if (!job.isWritten) this.onBehind(job);
      if (isAtRest(job) && job.isWritten) this.pointers.remove(jobId);
      else this.pointers.tryPut(job);
      return job;
    })();
    this.loading.set(jobId, loading);
    return loading.finally(() => this.loading.delete(jobId));
  }

  /** The other registry in which a job itself is: it has gone on there, or was made there. */
  private originalOf({ record, madeIn }: FoldedJob, dir: string): string | undefined {
    const { job_id: id, seq } = record;
    return readRegistries(this.home).find((other) => {
      if (!hasJob(other, id) || isSamePlace(other, dir)) return false;
      try {
        const ahead = foldJob(other, id, this.seal).record.seq - seq;
        return ahead > 0 || (ahead === 0 && isSamePlace(other, madeIn));
      } catch {
        return false;
      }
    });
  }

  /**
   * Mends what somebody has done to a registry with open jobs: removed its lock, or with all of it the jobs; put a copy in
   * its place; or moved it.
   * @param mayMake a registry that was removed is made anew
   * @returns false when nothing was mended: something else is wrong, or the registry is only away
   * @throws MamError `io` when the registry can't be taken again, `conflict` when another hub has it
   */
  private mend(dir: string, mayMake = true): Promise<boolean> {
    const running = this.mending.get(dir);
    if (running !== undefined) return running;
    const mending = (async () => {
      const how = await this.registries.mend(dir, mayMake);
      if (how === undefined) return false;
      if (typeof how === 'object') this.follow(dir, how.to);
      const isMended = await this.mendJobs(typeof how === 'object' ? how.to : dir, how);
      return isMended || how !== 'same';
    })()
      .catch((error: unknown) => {
        if (error instanceof MamError) throw error;
        this.log.error(`the registry ${dir} was not mended`, error);
        return false;
      })
      .finally(() => this.mending.delete(dir));
    this.mending.set(dir, mending);
    return mending;
  }

  /** @returns true when the files of a job were made anew */
  private async mendJobs(dir: string, how: string | object): Promise<boolean> {
    const isOther = how !== 'same' && how !== 'taken';
    let isMended = false;
    for (const job of this.jobsIn(dir)) {
      if (isFinal(job.record.status) && isOther) {
        if (!job.isThere) this.drop(job);
        continue;
      }
      const { isReplaced } = job;
      const isLost = isOther || isReplaced ? isCut(job) : isTakenOut(job);
      if (!isLost && !isOther && !isReplaced) continue;
      // It may have been copied in the middle of a write.
      if (existsSync(job.paths.folder)) sweepJob(job.paths.folder);
      if (isLost) {
        this.log.warn(`the files of ${job.id} were removed, or are an old copy: they are made anew`);
        const lost = await job.restore();
        if (lost !== undefined) this.log.error(lost);
      } else await job.reopen();
      isMended = true;
      this.place(job);
    }
    return isMended;
  }

  /** The jobs of a registry go on where it lies now. */
  private follow(from: string, to: string): void {
    this.log.warn(`the registry ${from} was moved: its jobs go on in ${to}`);
    moveNotes(this.home, from, to);
    for (const job of this.jobsIn(from)) {
      job.moveTo(to);
      this.place(job);
      this.pointers.renew(job);
    }
  }

  /**
   * A request names a registry: the jobs of one that was moved there are gone on with.
   * @throws MamError as `ready`
   */
  async arrive(dir: string): Promise<void> {
    const lost = this.registries.lostAs(dir);
    if (lost !== undefined) {
      await this.registries.move(lost, dir);
      this.follow(lost, dir);
      await this.mendJobs(dir, { to: dir });
    }
    for (const pointer of this.away.pointers) {
      if (pointer.registryDir === dir || !isMovedTo(pointer, dir)) continue;
      this.log.warn(`the registry of ${pointer.jobId} was moved to ${dir}: it goes on there`);
      const note = { ...(pointer.note as object | undefined), inode: inodeAt(dir) };
      const moved = { ...pointer, registryDir: dir, note };
      this.away.put(moved);
      const job = await this.load(dir, pointer.jobId, moved);
      if (!job.isHistory) this.pointers.renew(job);
    }
  }

  /** Notes where a job lies that can be written now. */
  private place(job: LiveJob): void {
    job.registryInode = inodeAt(job.registryDir);
    this.registries.keepProof(job.registryDir);
  }

  /** A hub that takes up thousands of jobs serves others in between. */
  private inSteps(): Promise<void> {
    this.step = this.step.then(() => (++this.loads % LOADED_AT_ONCE === 0 ? nextTurn() : undefined));
    return this.step;
  }

  private async write(job: LiveJob, draft: Draft): Promise<Recorded> {
    if (job.isHistory && this.unproven.has(job.id)) {
      const { message, hint } = proofError(job.id, this.home.key);
      // The key may come back: a report is kept until then.
      throw new MamError('unavailable', message, hint);
    }
    // Of an ended job as well: should this hub be killed now, the next one brings its files up.
    if (this.jobs.get(job.id) === job) this.pointers.tryPut(job);
    try {
      const recorded = await job.append(draft).catch(async (error: unknown) => {
        if (!mayPass(error)) throw error;
        const isMended = (await this.mend(job.registryDir)) && job.isThere;
        if (!isMended) throw isMissing(job) ? awayError(pointerOf(job)) : error;
        return job.append(draft);
      });
      if (!recorded.repeated) this.tell(job, recorded);
      return recorded;
    } finally {
      if (job.isFinal) setImmediate(() => this.settle(job));
    }
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
    let kept = 0;
    const first = ended.findLastIndex((job, place) => {
      kept += job.weight;
      return kept > KEPT_BYTES || ended.length - place > KEPT_FINAL;
    });
    for (const job of ended.slice(0, first + 1)) {
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
    before.blocked_what === after.blocked_what &&
    before.behind?.needs === after.behind?.needs &&
    owesLine(before) === owesLine(after)
  );
}

/** Where a job lies, as its pointer says it. */
function pointerOf({ id, registryDir, registryInode: inode }: LiveJob): Pointer {
  return { jobId: id, registryDir, note: { inode } };
}

/** True while another folder, or none, is in the place of a job's registry. */
function isMissing({ registryDir, registryInode }: LiveJob): boolean {
  return inodeAt(registryDir) !== registryInode;
}

/** True for a job of which somebody has removed just the journal, or put it aside. */
function isTakenOut(job: LiveJob): boolean {
  return !job.isThere && existsSync(job.paths.folder);
}

/** True for a job whose files lack something of it; what a stranger has put there is left alone. */
function isCut({ standing }: LiveJob): boolean {
  return standing === 'gone' || standing === 'behind';
}

/** True for what says something of an open job only, where that has ended meanwhile. */
function isVoid(job: LiveJob, type: string): boolean {
  return job.isFinal && OF_OPEN_JOBS.includes(type);
}

/** True for a job of which the hub has nothing left to do. */
function isAtRest({ record }: LiveJob): boolean {
  return isSettled(record) && !owesLine(record) && record.notifying === undefined;
}
