import type { LiveJob } from './live-job.ts';

/** Lets a request wait for a state of a job. */
export class Changes {
  readonly #watches = new Map<string, Set<() => void>>();

  onRecorded(job: LiveJob): void {
    for (const look of this.#watches.get(job.id) ?? []) look();
  }

  /** @returns when `reached` holds, or after `ms` milliseconds */
  until(job: LiveJob, reached: (job: LiveJob) => boolean, ms: number): Promise<void> {
    if (reached(job)) return Promise.resolve();
    return new Promise((resolve) => {
      const watches = this.#watches.get(job.id) ?? new Set();
      this.#watches.set(job.id, watches);
      const end = (): void => {
        clearTimeout(timer);
        watches.delete(look);
        if (watches.size === 0) this.#watches.delete(job.id);
        resolve();
      };
      const look = (): void => {
        if (reached(job)) end();
      };
      const timer = setTimeout(end, ms);
      watches.add(look);
    });
  }
}
