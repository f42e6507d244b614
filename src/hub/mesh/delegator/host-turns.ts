/** How many jobs of one host are caught up at a time: a host that comes back with very many jobs must stay usable. */
const AT_ONCE = 4;

interface Waiting {
  rank: number;
  start(): void;
}

/** Work with one host: a few pieces at a time, the most urgent first. */
export class HostTurns {
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting[]>();

  /** @param rank the higher, the sooner. @returns the work's result */
  async run<T>(host: string, rank: number, work: () => Promise<T>): Promise<T> {
    if ((this.#running.get(host) ?? 0) >= AT_ONCE) await this.#wait(host, rank);
    else this.#running.set(host, (this.#running.get(host) ?? 0) + 1);
    try {
      return await work();
    } finally {
      this.#next(host);
    }
  }

  #wait(host: string, rank: number): Promise<void> {
    return new Promise((start) => {
      const waiting = this.#waiting.get(host) ?? [];
      this.#waiting.set(host, waiting);
      const place = waiting.findIndex((one) => one.rank < rank);
      waiting.splice(place === -1 ? waiting.length : place, 0, { rank, start });
    });
  }

  /** Passes the turn on, or gives it back. */
  #next(host: string): void {
    const next = this.#waiting.get(host)?.shift();
    if (next !== undefined) {
      next.start();
      return;
    }
    this.#waiting.delete(host);
    const left = (this.#running.get(host) ?? 1) - 1;
    if (left === 0) this.#running.delete(host);
    else this.#running.set(host, left);
  }
}
