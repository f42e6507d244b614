import { monotonic } from '../../base/awake.ts';
import { MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Draft } from '../../job/event.ts';
import type { LiveJob } from './live-job.ts';

/** When a failed write is tried again, in ms: each time after twice as long, up to the second. */
const AGAIN_MS = 1_000;
const LONGEST_MS = 10_000;

/**
 * The hub's own events that could not be written: kept here in the order of each job, and written before anything newer
 * of that job. A hub that is killed loses them; the next one concludes them from the journal.
 */
export class HeldEvents extends Map<LiveJob, Draft[]> {
  readonly #log: Log;
  readonly #write: (job: LiveJob, draft: Draft) => Promise<unknown>;
  #pause = AGAIN_MS;
  #nextAt = 0;

  /** @param write gives an event its place in the order of the calls */
  constructor(log: Log, write: (job: LiveJob, draft: Draft) => Promise<unknown>) {
    super();
    this.#log = log;
    this.#write = write;
  }

  /** Keeps an event that could not be written, if the reason may pass. */
  hold(job: LiveJob, draft: Draft, error: unknown): void {
    if (!mayPass(error) || job.isRetired) {
      this.#log.error(`event ${draft.type} of ${job.id} was not recorded`, error);
      return;
    }
    const before = this.get(job) ?? [];
    if (before.length === 0) this.#log.error(`event ${draft.type} of ${job.id} waits to be recorded`, error);
    this.set(job, [...before, draft]);
  }

  /** Writes what is held of a job in this very turn: what is recorded next comes after it. */
  flush(job: LiveJob): void {
    const drafts = this.get(job);
    if (drafts === undefined) return;
    this.delete(job);
    const written = (): void => {
      this.#pause = AGAIN_MS;
    };
    for (const draft of drafts)
      this.#write(job, draft).then(written, (error: unknown) => this.hold(job, draft, error));
  }

  /** Writes what is held of all jobs; after a failure no earlier than the pause allows. */
  retry(): void {
    if (this.size === 0 || monotonic() < this.#nextAt) return;
    this.#nextAt = monotonic() + this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_MS);
    for (const job of [...this.keys()]) this.flush(job);
  }
}

/** True for an error that may pass by itself: a full disk, a registry that is away or has another hub. */
export function mayPass(error: unknown): boolean {
  return error instanceof MamError && ['io', 'conflict'].includes(error.code);
}
