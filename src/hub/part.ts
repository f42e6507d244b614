import type { Log } from '../base/log.ts';
import { isSettled } from '../job/apply.ts';
import type { LiveJob, Recorded } from './jobs/live-job.ts';

/** A part of the hub, with the calls that it may get. */
export interface Part {
  /** After each event of a job, once it is on disk. */
  onRecorded?(job: LiveJob, recorded: Recorded): void;
  /** Panes of the tmux server at this socket appeared, disappeared or changed. */
  onPanes?(socket: string): void;
  /** Continues a job that an earlier hub left open, or whose registry is back; all reports on it are recorded. */
  resume?(job: LiveJob): void;
  /** The same once for all of them, including those that have ended. */
  resumeAll?(jobs: LiveJob[]): void;
  /** Begins nothing new; the next hub continues what is left. */
  stop?(): void;
  /** True while the hub must keep running for it. */
  readonly hasWork?: boolean;
}

/** The parts of the hub, called in this order. If one fails, the others are called all the same. */
export class PartsInOrder {
  readonly #inOrder: readonly Part[];
  readonly #forReplicas: ReadonlySet<Part>;
  readonly #log: Log;

  /** @param forReplicas those that hear of the copies of other hosts' jobs as well: no other part may act on one */
  constructor(inOrder: readonly Part[], forReplicas: readonly Part[], log: Log) {
    this.#inOrder = inOrder;
    this.#forReplicas = new Set(forReplicas);
    this.#log = log;
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    for (const part of this.#inOrder)
      if (this.#hears(part, job)) this.#step(job, () => part.onRecorded?.(job, recorded));
  }

  onPanes(socket: string): void {
    for (const part of this.#inOrder) part.onPanes?.(socket);
  }

  resume(jobs: LiveJob[]): void {
    for (const part of this.#inOrder) {
      const heard = jobs.filter((job) => this.#hears(part, job));
      for (const job of heard) if (!isSettled(job.record)) this.#step(job, () => part.resume?.(job));
      part.resumeAll?.(heard);
    }
  }

  stop(): void {
    for (const part of this.#inOrder) part.stop?.();
  }

  get hasWork(): boolean {
    return this.#inOrder.some((part) => part.hasWork);
  }

  #hears(part: Part, { replica }: LiveJob): boolean {
    return replica === undefined || this.#forReplicas.has(part);
  }

  #step(job: LiveJob, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.error(`a part of the hub failed for job ${job.id}`, error);
    }
  }
}
