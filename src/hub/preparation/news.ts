import type { LiveJob } from '../jobs/live-job.ts';

interface Watch {
  about: (job: LiveJob) => boolean;
  tell: () => void;
}

/** Lets steps wait for something that events of jobs decide. */
export class News {
  readonly #watches = new Set<Watch>();

  /** Something has changed about a job. */
  of(job: LiveJob): void {
    for (const watch of [...this.#watches]) if (watch.about(job)) watch.tell();
  }

  /**
   * Looks now, and again after every event of a job that it is about.
   * @param look returns undefined until it is so
   * @param about the jobs whose events may decide it
   * @throws what `look` throws, and the signal's reason once it is aborted
   */
  async until<T>(
    look: () => T | undefined | Promise<T | undefined>,
    signal: AbortSignal,
    about: (job: LiveJob) => boolean,
  ): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      // Before the look, so that nothing is missed between the two.
      const next = this.#next(signal, about);
      try {
        const found = await look();
        if (found !== undefined) return found;
        await next.told;
      } finally {
        next.end();
      }
    }
  }

  #next(signal: AbortSignal, about: Watch['about']): { told: Promise<void>; end: () => void } {
    let tell = (): void => {};
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const watch = { about, tell };
    this.#watches.add(watch);
    signal.addEventListener('abort', tell, { once: true });
    const end = (): void => {
      this.#watches.delete(watch);
      signal.removeEventListener('abort', tell);
    };
    return { told, end };
  }
}
