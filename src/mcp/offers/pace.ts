/** The shortest pause between two looks, in ms: a client hears of a change at most so often. */
const REST_MS = 250;
/** The pause after a look that failed, in ms. */
const RETRY_MS = 1_000;

/** What a look has found. */
export interface Glance {
  /** All that the resource shows: while it is the same, nothing has changed. */
  print: string;
  /** Look again after so many ms, whatever happens. */
  againMs?: number | undefined;
}

/**
 * Follows one resource for a client: looks when something may have changed, one look at a time, and notifies the client
 * when something has. So thousands of events are a few looks, and a client that does not read is not flooded.
 */
export class Pace {
  readonly #look: () => Promise<Glance>;
  readonly #tell: () => Promise<void>;
  #print: string | undefined;
  #looking = false;
  #touched = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, and before when there is no look; monotonic, in ms. */
  #timerAt = Number.POSITIVE_INFINITY;
  #restsUntil = 0;
  #ended = false;

  /** @param tell called after a look that found another print than the one before it */
  constructor(look: () => Promise<Glance>, tell: () => Promise<void>) {
    this.#look = look;
    this.#tell = tell;
  }

  /** The first look, without a notification. @throws what the look throws */
  async begin(): Promise<void> {
    this.#looking = true;
    try {
      const { print, againMs } = await this.#look();
      this.#print = print;
      this.#rest(againMs);
    } finally {
      this.#looking = false;
    }
  }

  /** Something may have changed. */
  touch(): void {
    if (this.#looking) this.#touched = true;
    else this.#lookAt(this.#restsUntil);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  /** Sets the next look to a time, unless one comes sooner. */
  #lookAt(time: number): void {
    if (this.#ended || this.#timerAt <= time) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => void this.#compare(), Math.max(0, time - performance.now()));
  }

  async #compare(): Promise<void> {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#looking = true;
    this.#touched = false;
    let againMs: number | undefined = RETRY_MS;
    try {
      const glance = await this.#look();
      againMs = glance.againMs;
      if (glance.print !== this.#print && !this.#ended) {
        this.#print = glance.print;
        await this.#tell();
      }
    } catch {
      // A lost hub: what has changed meanwhile is seen when it is back.
    }
    this.#looking = false;
    this.#rest(againMs);
  }

  #rest(againMs: number | undefined): void {
    const now = performance.now();
    this.#restsUntil = now + REST_MS;
    if (this.#touched) this.#lookAt(this.#restsUntil);
    else if (againMs !== undefined) this.#lookAt(now + againMs);
  }
}
