import type { Log } from '../base/log.ts';
import { isSettled } from '../job/apply.ts';
import type { LiveJob, Recorded } from './jobs/live-job.ts';

/** A part of the hub, with what it is called for. */
export interface Part {
  /** After each event of a job, once it is on disk. */
  onRecorded?(job: LiveJob, recorded: Recorded): void;
  /** Panes of the tmux server at this socket came, went or changed. */
  onPanes?(socket: string): void;
  /** A job that an earlier hub has left open, or whose registry is back; all reports on it are recorded. */
  resume?(job: LiveJob): void;
  /** The same once for all of them, with those that have ended. */
  resumeAll?(jobs: LiveJob[]): void;
  /** Begins nothing more; the next hub goes on with what is left. */
  stop?(): void;
  /** True while it has something to do that the hub must stay for. */
  readonly hasWork?: boolean;
}

/** The parts of the hub, called in this order. One that fails does not keep the others from being called. */
export class PartsInOrder {
  readonly #inOrder: readonly Part[];
  readonly #log: Log;

  constructor(inOrder: readonly Part[], log: Log) {
    this.#inOrder = inOrder;
    this.#log = log;
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    for (const part of this.#inOrder) this.#step(job, () => part.onRecorded?.(job, recorded));
  }

  onPanes(socket: string): void {
    for (const part of this.#inOrder) part.onPanes?.(socket);
  }

  resume(jobs: LiveJob[]): void {
    const open = jobs.filter(({ record }) => !isSettled(record));
    for (const part of this.#inOrder) {
      for (const job of open) this.#step(job, () => part.resume?.(job));
      part.resumeAll?.(jobs);
    }
  }

  stop(): void {
    for (const part of this.#inOrder) part.stop?.();
  }

  get hasWork(): boolean {
    return this.#inOrder.some((part) => part.hasWork);
  }

  #step(job: LiveJob, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.error(`job ${job.id} did not go on whole`, error);
    }
  }
}
