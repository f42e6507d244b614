import type { Log } from '../../../base/log.ts';
import type { JobOrder } from '../../../job/record.ts';
import { isFinal } from '../../../job/words.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { Digest } from '../wire/messages.ts';
import type { AskResult } from './asks.ts';
import { Follower, type FollowParts } from './follower.ts';
import { eventOf, firstPageOf } from './home-answers.ts';
import { HostTurns } from './host-turns.ts';

/** How long (ms) a home's digest is waited for after its hello, before it is asked job by job. */
const DIGEST_WAIT_MS = 1_000;
/** How many jobs that were not delegated to their sender are named in the log. */
const MAX_STRANGE = 100;
/** How many jobs of a digest are looked for on the disk: those of a host that names more are known by its feed. */
const MAX_LOOKED_FOR = 50;
/** How many jobs are looked for at a time: what is said of others meanwhile is dropped, and comes again with a digest. */
const MAX_LOADING = 200;

/** The copies of jobs whose home is another host: kept up to date, and their state shown. */
export class Replicas {
  readonly #with;
  readonly #parts: FollowParts;
  /** By job id: those that are not over, and whatever was touched since. */
  readonly #followers = new Map<string, Follower>();
  /** Copies that are being read from the disk, by job id. */
  readonly #loading = new Map<string, Promise<Follower | undefined>>();
  /** Jobs of hosts that have said hello, and whose digest has not named them yet. */
  readonly #unnamed = new Map<string, { jobs: Set<Follower>; timer: NodeJS.Timeout }>();
  /** How many messages were about a job that was not delegated to their sender. */
  #strange = 0;
  #isStopped = false;

  constructor(parts: {
    registrar: Pick<Registrar, 'held' | 'find' | 'follow' | 'setReplica' | 'createReplica' | 'removeReplica'>;
    directory: {
      get(name: string): { online: boolean; since: string } | undefined;
      watch(name: string): void;
      unwatch(name: string): void;
      isAway(name: string): boolean;
      inTheirClock(name: string, ms: number): string;
    };
    ask: FollowParts['ask'];
    log: Log;
  }) {
    const { registrar, directory, ask, log } = parts;
    this.#with = parts;
    this.#parts = {
      ...{ registrar, ask, log, turns: new HostTurns() },
      isOnline: (host) => directory.get(host)?.online === true,
      onOver: (host) => {
        if (this.#of(host).length === 0) directory.unwatch(host);
      },
      theirNow: (host) => Date.parse(directory.inTheirClock(host, 0)),
    };
  }

  /**
   * The copy of a job that another host is about to be asked for; all on disk when its `kept` resolves.
   * @param asked `expires_at`: after this time, by that host's clock, it takes the job no more
   * @throws MamError as `Registrar.createReplica`
   */
  create(order: JobOrder, prompt: string, asked: { home: string; expires_at: string }): LiveJob {
    const job = this.#with.registrar.createReplica(order, prompt, asked);
    this.#follow(job)?.expectAnswer();
    job.kept.catch(() => this.#drop(job));
    return job;
  }

  /** The host is asked again. @param expiresAt by its clock */
  async askedAgain(job: LiveJob, expiresAt: string): Promise<void> {
    await this.#with.registrar.setReplica(job, { expires_at: expiresAt, never_taken: undefined });
    this.#follow(job)?.expectAnswer();
  }

  /** The host has refused the job: its folder goes, unless the host has shown the job after all. */
  async withdraw(job: LiveJob): Promise<void> {
    if (job.length > 0) return;
    this.#drop(job);
    await this.#with.registrar.removeReplica(job);
  }

  /** The host has taken the job. @returns once its first events are here */
  async settle(job: LiveJob, answer: AskResult): Promise<void> {
    const follower = this.#follow(job);
    if (follower !== undefined) await follower.settle(firstPageOf(follower.host, job.id, answer));
  }

  /** Asks the host whether it has the job after all: if not, whoever waits for it learns that it was never taken. */
  lookAgain(job: LiveJob): void {
    this.#follow(job)?.catchUp();
  }

  /** Takes an event from a job's home; from anybody else it is none. */
  takeFeed(from: string, jobId: string, message: unknown): void {
    const event = eventOf(jobId, (message as { event?: unknown } | null)?.event);
    if (event === undefined) this.#with.log.warn(`${from} has sent something that is not an event of a job`);
    else this.#use(from, jobId, (follower) => void follower.take(event));
  }

  takeDigest(from: string, { jobs }: Digest): void {
    let looked = 0;
    for (const [jobId, seq] of jobs) {
      if (!this.#followers.has(jobId) && ++looked > MAX_LOOKED_FOR) continue;
      this.#use(from, jobId, (follower) => {
        this.#unnamed.get(from)?.jobs.delete(follower);
        void follower.compareWith(seq);
      });
    }
  }

  /** A host has said hello: what it sent meanwhile is lost. */
  onOnline({ name }: { name: string }): void {
    const jobs = this.#of(name);
    for (const follower of jobs) void follower.back();
    clearTimeout(this.#unnamed.get(name)?.timer);
    const timer = setTimeout(() => {
      const left = this.#unnamed.get(name)?.jobs ?? [];
      this.#unnamed.delete(name);
      for (const follower of left) follower.catchUp();
    }, DIGEST_WAIT_MS);
    timer.unref();
    this.#unnamed.set(name, { jobs: new Set(jobs), timer });
  }

  onOffline({ name, since }: { name: string; since: string }): void {
    for (const follower of this.#of(name)) void follower.away(since);
  }

  /** True while an open job runs there: its silence is noticed. */
  isAwaited(host: string): boolean {
    return this.#of(host).some(({ job }) => !isFinal(job.record.status));
  }

  /** Gives up a job whose host never returns; if it does, the job is followed again. @returns once that is on the disk */
  async forget(job: LiveJob): Promise<void> {
    const follower = this.#follow(job);
    await follower?.giveUp(`${job.id} was given up here: what happens on ${follower.host} is not known.`);
  }

  resumeAll(jobs: LiveJob[]): void {
    for (const job of jobs) {
      const follower = this.#follow(job);
      if (follower === undefined || follower.isOver) continue;
      // What is known of its home may have come about before this job was taken up.
      const home = this.#with.directory.get(follower.host);
      if (home?.online === true) this.#greet(follower);
      else if (home !== undefined && this.#with.directory.isAway(follower.host))
        void follower.away(home.since);
    }
  }

  get hasWork(): boolean {
    return this.#loading.size > 0 || [...this.#followers.values()].some(({ isBusy }) => isBusy);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#unnamed.values()) clearTimeout(timer);
    for (const follower of this.#followers.values()) follower.stop();
  }

  #greet(follower: Follower): void {
    void follower.back();
    follower.catchUp();
  }

  #of(host: string): Follower[] {
    return [...this.#followers.values()].filter((follower) => follower.host === host && !follower.isOver);
  }

  #follow(job: LiveJob): Follower | undefined {
    if (job.replica === undefined || this.#isStopped) return undefined;
    const known = this.#followers.get(job.id);
    if (known?.job === job) return known;
    known?.stop();
    const follower = new Follower(job, this.#parts);
    this.#tidy();
    this.#followers.set(job.id, follower);
    this.#with.directory.watch(follower.host);
    return follower;
  }

  #drop({ id }: LiveJob): void {
    this.#followers.get(id)?.stop();
    this.#followers.delete(id);
  }

  /** Ended jobs may leave the memory. */
  #tidy(): void {
    for (const [id, follower] of this.#followers)
      if (follower.isOver && !follower.isBusy) this.#followers.delete(id);
  }

  /** Does something with a copy, if `from` is its home. Calls for one job keep their order. */
  #use(from: string, jobId: string, act: (follower: Follower) => void): void {
    if (this.#isStopped) return;
    const checked = (follower: Follower | undefined): void => {
      if (follower?.host === from) act(follower);
      else if (this.#strange++ < MAX_STRANGE)
        this.#with.log.warn(`${from} has sent something about ${jobId}, which was not delegated to it`);
    };
    const loading = this.#loading.get(jobId);
    const held = this.#with.registrar.held(jobId);
    if (loading !== undefined) void loading.then(checked);
    else if (held !== undefined) checked(this.#follow(held));
    else if (this.#loading.size < MAX_LOADING) void this.#load(jobId).then(checked);
  }

  #load(jobId: string): Promise<Follower | undefined> {
    const loaded = this.#with.registrar.find(jobId).then(
      (job) => this.#follow(job),
      () => undefined,
    );
    this.#loading.set(jobId, loaded);
    void loaded.then(() => this.#loading.delete(jobId));
    return loaded;
  }
}
