import { monotonic } from '../../base/awake.ts';
import { MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Draft } from '../../job/event.ts';
import type { LiveJob } from './live-job.ts';

/** When to retry a failed write, in ms: the pause doubles each time, up to the longest. */
const RETRY_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The hub's own events that could not be written: kept here in order for each job, and written before anything newer
 * about that job. A hub that is killed loses them; the next one concludes them from the journal.
 */
export class HeldEvents extends Map<LiveJob, Draft[]> {
  readonly #log: Log;
  readonly #write: (job: LiveJob, draft: Draft) => Promise<unknown>;
  #pause = RETRY_MS;
  #nextAt = 0;

  /** @param write numbers events in the order of the calls */
  constructor(log: Log, write: (job: LiveJob, draft: Draft) => Promise<unknown>) {
    super();
    this.#log = log;
    this.#write = write;
  }

  /** Keeps an event that could not be written, if the problem may be temporary. */
  hold(job: LiveJob, draft: Draft, error: unknown): void {
    if (!mayPass(error) || job.isRetired) {
      this.#log.error(`event ${draft.type} of ${job.id} was not recorded`, error);
      return;
    }
    const before = this.get(job) ?? [];
    if (before.length === 0) this.#log.error(`event ${draft.type} of ${job.id} is not recorded yet`, error);
    this.set(job, [...before, draft]);
  }

  /** Starts to write a job's held events at once, so that whatever is recorded next comes after them. */
  flush(job: LiveJob): void {
    const drafts = this.get(job);
    if (drafts === undefined) return;
    this.delete(job);
    const written = (): void => {
      this.#pause = RETRY_MS;
    };
    for (const draft of drafts)
      this.#write(job, draft).then(written, (error: unknown) => this.hold(job, draft, error));
  }

  /** Writes the held events of all jobs; after a failure, not before the pause is over. */
  retry(): void {
    if (this.size === 0 || monotonic() < this.#nextAt) return;
    this.#nextAt = monotonic() + this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    for (const job of [...this.keys()]) this.flush(job);
  }
}

/** True for an error that may go away by itself: a full disk, a registry that is away or has another hub. */
export function mayPass(error: unknown): boolean {
  return error instanceof MamError && ['io', 'conflict'].includes(error.code);
}
