import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { writeDerived } from '../../registry/files.ts';
import { isRemoved } from '../../registry/paths.ts';
import { recordText } from '../../registry/record-file.ts';
import type { Seal } from '../../registry/seal.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** How long (ms) after a failure a record is written again: at first, and at most. */
const RETRY_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** A record that is not on the disk yet. */
interface Due {
  job: LiveJob;
  timer?: NodeJS.Timeout;
  writing?: Promise<void> | undefined;
  /** The record has changed since the current write began. */
  again: boolean;
  failures: number;
  why?: string;
}

/** Keeps each job's `job.json` in step with its journal; a failed write is retried until it succeeds. */
export class RecordFiles {
  readonly #with;
  /** By job id, so that an older state of a job never replaces a newer one. */
  readonly #due = new Map<string, Due>();

  constructor(parts: {
    seal: Seal;
    log: Log;
    /** Called when a job's file agrees with its journal. */
    onWritten: (job: LiveJob) => void;
  }) {
    this.#with = parts;
  }

  isDue(jobId: string): boolean {
    return this.#due.has(jobId);
  }

  /** Writes a job's record as it is now. */
  write(job: LiveJob): void {
    const due: Due = this.#due.get(job.id) ?? { job, again: false, failures: 0 };
    due.job = job;
    this.#due.set(job.id, due);
    clearTimeout(due.timer);
    if (due.writing === undefined) this.#begin(due);
    else due.again = true;
  }

  /** Stops writing for a job. */
  forget(jobId: string): void {
    clearTimeout(this.#due.get(jobId)?.timer);
    this.#due.delete(jobId);
  }

  /** Tries all pending writes once more, and waits for them. */
  async flush(): Promise<void> {
    for (const due of this.#due.values()) if (due.writing === undefined) this.#begin(due);
    await Promise.all([...this.#due.values()].map(({ writing }) => writing));
  }

  #begin(due: Due): void {
    clearTimeout(due.timer);
    due.writing = this.#attempt(due).finally(() => {
      due.writing = undefined;
    });
  }

  async #attempt(due: Due): Promise<void> {
    const { id } = due.job;
    try {
      do {
        due.again = false;
        due.job.checkPlace();
        const { paths, record, signer } = due.job;
        await writeDerived(paths.record, recordText(record, this.#with.seal, signer));
      } while (due.again);
      if (this.#due.get(id) === due) this.#due.delete(id);
      due.job.isWritten = true;
      this.#with.onWritten(due.job);
    } catch (error) {
      this.#failed(due, explain(error));
    }
  }

  #failed(due: Due, why: string): void {
    const { job } = due;
    // The job's folder is gone for good.
    if (job.isRetired || isRemoved(job.registryDir, job.id)) this.forget(job.id);
    if (this.#due.get(job.id) !== due) return;
    if (due.why !== why) this.#with.log.warn(`record of ${job.id} is not written yet: ${why}`);
    due.why = why;
    const wait = Math.min(LONGEST_PAUSE_MS, RETRY_MS * 2 ** due.failures++);
    due.timer = setTimeout(() => this.#begin(due), wait);
  }
}
