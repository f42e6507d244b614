import type { Log } from '../../base/log.ts';
import { needOf } from '../../job/apply.ts';
import { isFinal } from '../../job/words.ts';
import type { Look, Obstacle, Preflight, Target } from '../../tmux/deliver.ts';
import type { Shot } from '../../tmux/screen.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { paneKey } from '../panes/pane-owners.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { handOver } from './hand-over.ts';
import { NewConversations } from './new-conversation.ts';
import { noPaste, Obstacles } from './obstacles.ts';
import {
  type Errand,
  inTheirOrder,
  isStillStarting,
  type Kept,
  newQueue,
  type PaneQueue,
} from './pane-queue.ts';
import type { Typist } from './typist.ts';
import { Waiters } from './waiters.ts';

/** How often (ms) to look at an agent that was started for a job, until it is ready. */
const LOOK_AT_START_MS = 60;
/** When (ms) to look again at a pane that could not be typed into, if no change is reported. */
const LOOK_AGAIN_MS = 1_000;
/** When (ms) to report that tmux does not show a pane, before giving tmux up. */
const SILENT_MS = 1_800;

/** Delivers orders: one queue per pane, one job at a time, each through the delivery ladder. */
export class Dispatcher {
  readonly #with;
  readonly #queues = new Map<string, PaneQueue>();
  readonly #obstacles: Obstacles;
  readonly #waiters: Waiters;
  #stopped = false;
  /** Jobs of an earlier hub, until their state is known. */
  readonly #left = new Set<LiveJob>();

  constructor(parts: {
    registrar: Registrar;
    servers: TmuxServers;
    typist: Typist;
    log: Log;
    /** The folder in which peers' servers announce themselves. */
    announcements: string;
  }) {
    this.#with = { ...parts, conversations: new NewConversations(parts) };
    this.#obstacles = new Obstacles(parts.registrar);
    this.#waiters = new Waiters({ obstacles: this.#obstacles, log: parts.log, left: this.#left });
  }

  /** The open jobs before a new one in a pane, the holder first. */
  ahead(socket: string, pane: string): LiveJob[] {
    return [...(this.#queues.get(paneKey({ socket, pane }))?.jobs ?? [])];
  }

  /**
   * What keeps a pane from being typed into; a text of ours is named by its job.
   * @param seen the pane's current state
   * @throws MamError as `shoot`
   */
  async inTheWay(
    socket: string,
    target: Target,
    look: Pick<Look, 'patterns'>,
    seen: Exclude<Preflight, { gone: string }>,
  ): Promise<Obstacle | undefined> {
    const found = 'obstacle' in seen ? seen.obstacle : undefined;
    if (found !== undefined && found.isOurs !== true) return found;
    return (await this.#with.typist.inTheWay(socket, target, look)) ?? found;
  }

  /** Appends a new job to its pane's queue, and starts on it if it is the first. @param glance the pane's current screen */
  enqueue(job: LiveJob, glance?: Shot): void {
    const { agent_session: session } = job.record;
    if (session === undefined) {
      job.uncork();
      return;
    }
    const queue = this.#queueAt(paneKey(session));
    queue.jobs.push(job);
    if (queue.jobs.length === 1) this.#attend(queue, glance);
    else job.uncork();
    this.#waiters.update(queue);
  }

  /** Takes over the last hub's open jobs, in their order. Their panes are left alone until `resumeAll`. */
  takeUp(jobs: LiveJob[]): void {
    for (const job of jobs) this.#left.add(job);
    for (const job of inTheirOrder(jobs)) this.enqueue(job);
  }

  /** Continues with those jobs. Earlier reports on them must be recorded by now. */
  resumeAll(): void {
    for (const job of [...this.#left].filter(isStillStarting)) {
      void this.#with.registrar.note(job, 'delivery_failed', {
        detail: 'The hub ended while it was starting the agent. Check whether its session is running.',
      });
    }
    this.#left.clear();
    for (const queue of [...this.#queues.values()]) {
      this.#attend(queue);
      this.#waiters.update(queue);
    }
  }

  /** Stops typing for a job that ended, or that its peer already has; an ended job frees its pane. */
  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    const queue = this.#find(job);
    if (queue === undefined) return;
    const first = queue.jobs[0] === job;
    const taken = after.status !== 'queued' && before?.status === 'queued';
    if (first && !queue.apart && (taken || isFinal(after.status))) queue.stop?.abort();
    if (first && before !== undefined && needOf(before) !== needOf(after)) this.#waiters.update(queue);
    if (!isFinal(after.status)) return;
    // Its text may be in the pane: `#work` removes it at the end.
    if (first && queue.stop === undefined && this.#with.typist.has(job.id)) this.#work(queue, async () => {});
    this.removeJob(job);
  }

  /** Removes a job from its pane's queue; the next one gets its turn. */
  removeJob(job: LiveJob): void {
    const queue = this.#find(job);
    if (queue === undefined) return;
    const first = queue.jobs[0] === job;
    queue.jobs = queue.jobs.filter((other) => other !== job);
    for (const errand of queue.errands.filter((one) => one.job === job)) errand.settled?.();
    queue.errands = queue.errands.filter((errand) => errand.job !== job);
    if (first) {
      queue.blocked = undefined;
      this.#waiters.endStuck(queue);
      this.#attend(queue);
      this.#waiters.update(queue);
    }
    this.#dropEmpty(queue);
  }

  /**
   * Runs an errand at a job's pane as soon as nothing else runs there, and again with every change of the pane until it is
   * done. It is dropped when the job ends.
   */
  whenFree(job: LiveJob, errand: Errand): void {
    const queue = this.#find(job);
    if (queue === undefined || isFinal(job.record.status)) {
      errand.settled?.();
      return;
    }
    queue.errands.push({ job, ...errand });
    this.#attend(queue);
  }

  /** The same for any pane, without a job. @param run resolves to true when it is done */
  atPane(
    pane: { socket: string; pane: string },
    run: (stop: AbortSignal) => Promise<boolean>,
    settled: () => void,
  ): void {
    const queue = this.#queueAt(paneKey(pane));
    const errand = async (stop: AbortSignal): Promise<Kept> => ((await run(stop)) ? 'done' : 'later');
    queue.errands.push({ job: undefined, run: errand, settled });
    this.#attend(queue);
  }

  /** Something changed on a tmux server: looks again at the panes that were not free. */
  onPanes(socket: string): void {
    for (const [key, queue] of this.#queues)
      if (queue.lookAgain !== undefined && key.startsWith(`${socket}\n`)) this.#attend(queue);
  }

  /** Stops typing. */
  stop(): void {
    this.#stopped = true;
    this.#waiters.stop();
    for (const queue of this.#queues.values()) {
      clearTimeout(queue.lookAgain);
      queue.stop?.abort();
      this.#waiters.endStuck(queue);
    }
  }

  #attend(queue: PaneQueue, glance?: Shot): void {
    clearTimeout(queue.lookAgain);
    queue.lookAgain = undefined;
    const job = queue.jobs[0];
    if (queue.stop !== undefined || this.#stopped || queue.jobs.some((one) => this.#left.has(one))) return;
    // The record does not yet say what was typed.
    if (job !== undefined && this.#with.registrar.isHolding(job)) {
      this.#lookLater(queue);
      return;
    }
    if (job?.record.status !== 'queued') {
      this.#runErrand(queue, job);
      return;
    }
    this.#work(queue, async (stop) => {
      const silent = setTimeout(() => void this.#obstacles.silent(job), SILENT_MS);
      try {
        const looked = () => clearTimeout(silent);
        const obstacle = await handOver(this.#with, job, stop, { glance, looked });
        if (obstacle !== undefined) await this.#obstacle(job, queue, obstacle);
      } catch (error) {
        job.uncork();
        this.#with.log.error(`delivery of ${job.id} failed`, error);
        await this.#obstacle(job, queue, noPaste(error));
      } finally {
        clearTimeout(silent);
      }
      job.uncork();
    });
  }

  #runErrand(queue: PaneQueue, job: LiveJob | undefined): void {
    const errand = queue.errands.find((one) => one.job === undefined || one.job === job);
    if (errand === undefined) return;
    queue.apart = errand.job === undefined;
    const { what } = errand;
    this.#work(queue, async (stop) => {
      const silent = job && what && setTimeout(() => void this.#obstacles.silent(job, what), SILENT_MS);
      const end = await errand.run(stop).catch((error: unknown): Kept => {
        this.#with.log.error(`a text for ${queue.key.replace('\n', ' ')} was not typed`, error);
        return 'done';
      });
      clearTimeout(silent);
      if (end === 'done') {
        queue.errands = queue.errands.filter((one) => one !== errand);
        errand.settled?.();
      } else if (!this.#stopped) this.#lookLater(queue);
      if (job === undefined || isFinal(job.record.status)) return;
      if (what === undefined) {
        // The job's own texts must not wait for it.
        if (end !== 'done') queue.errands = [...queue.errands.filter((one) => one !== errand), errand];
      } else if (end === 'done') await this.#obstacles.over(job);
      else {
        const obstacle = end === 'later' ? undefined : end;
        errand.blocked = await this.#obstacles.kept(job, what, errand.blocked, obstacle);
      }
    });
  }

  /** Runs one thing at a time at each pane. */
  #work(queue: PaneQueue, body: (stop: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    const job = queue.jobs[0];
    queue.stop = stop;
    const tidied = async (): Promise<void> => {
      await body(stop.signal);
      if (job !== undefined && isFinal(job.record.status) && this.#with.typist.has(job.id))
        await this.#with.typist.leaveOf(job);
    };
    const failed = (error: unknown) => this.#with.log.error(`work at ${queue.key.replace('\n', ' ')}`, error);
    void tidied()
      .catch(failed)
      .finally(() => {
        queue.stop = undefined;
        queue.apart = false;
        // A job that ended meanwhile has left the queue without waking the next one; an errand may wait for a prompt.
        if (queue.jobs[0] !== job || (queue.errands.length > 0 && queue.lookAgain === undefined))
          this.#attend(queue);
        this.#dropEmpty(queue);
      });
  }

  #lookLater(queue: PaneQueue, ms = LOOK_AGAIN_MS): void {
    queue.lookAgain = setTimeout(() => this.#attend(queue), ms);
  }

  #dropEmpty(queue: PaneQueue): void {
    if (queue.jobs.length + queue.errands.length === 0 && queue.stop === undefined)
      this.#queues.delete(queue.key);
  }

  async #obstacle(job: LiveJob, queue: PaneQueue, obstacle: Obstacle): Promise<void> {
    if (job.record.status !== 'queued') return;
    queue.blocked = await this.#obstacles.found(job, queue.blocked, obstacle);
    if (this.#stopped || queue.jobs[0] !== job) return;
    const starting = job.record.typing?.started === true && obstacle.by === 'not_ready';
    this.#lookLater(queue, starting ? LOOK_AT_START_MS : LOOK_AGAIN_MS);
  }

  #queueAt(key: string): PaneQueue {
    const queue = this.#queues.get(key) ?? newQueue(key);
    this.#queues.set(key, queue);
    return queue;
  }

  #find({ record: { agent_session: session } }: LiveJob): PaneQueue | undefined {
    return session && this.#queues.get(paneKey(session));
  }
}
