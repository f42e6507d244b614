import { awake } from '../../base/awake.ts';
import type { Log } from '../../base/log.ts';
import { needOf } from '../../job/apply.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Obstacles } from './obstacles.ts';
import { isWaiting, type PaneQueue } from './pane-queue.ts';

/** When (ms) to try again to record that a job has waited too long. */
const RETRY_MS = 1_000;

/** Records on the jobs that wait for a pane whether the job that has it needs attention. */
export class Waiters {
  readonly #with;
  #stopped = false;

  constructor(parts: {
    obstacles: Obstacles;
    log: Log;
    /** Jobs of the last hub whose state is not known yet. */
    left: ReadonlySet<LiveJob>;
  }) {
    this.#with = parts;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Updates the jobs that wait in a pane's queue, one update after the other. */
  update(queue: PaneQueue): void {
    if (queue.jobs.length < 2) return;
    const failed = (error: unknown) => this.#with.log.error(`jobs that wait for ${queue.key}`, error);
    queue.updating = queue.updating.then(() => this.#updateWaiting(queue)).catch(failed);
  }

  async #updateWaiting(queue: PaneQueue): Promise<void> {
    const [holder, ...others] = queue.jobs;
    if (this.#stopped || holder === undefined || this.#with.left.has(holder)) return;
    const isStuck = needOf(holder.record) !== undefined;
    if (!isStuck) this.endStuck(queue);
    else queue.stuck ??= { since: awake.now(), end: () => {} };
    const { stuck } = queue;
    const ends: number[] = [];
    for (const job of others.filter(isWaiting)) {
      await this.#with.obstacles.behind(job, isStuck ? holder.record : undefined, stuck?.since ?? 0);
      if (job.record.held_up !== true) ends.push(job.record.timeouts.idle_timeout_seconds * 1000);
    }
    if (stuck === undefined || queue.stuck !== stuck || ends.length === 0) return;
    // A wait longer than its idle_timeout is not an ordinary one.
    stuck.end();
    const left = stuck.since + Math.min(...ends) - awake.now();
    stuck.end = awake.after(left > 0 ? left : RETRY_MS, () => this.update(queue));
  }

  endStuck(queue: PaneQueue): void {
    queue.stuck?.end();
    queue.stuck = undefined;
  }
}
