/** The minimum pause between two looks, in ms, and thus between two notifications. */
const REST_MS = 250;
/** The pause after a look that failed, in ms. */
const RETRY_MS = 1_000;

/** The result of a look. */
export interface Glance {
  /** Everything that the resource shows: if it is the same, nothing has changed. */
  print: string;
  /** Look again after this time in any case. */
  againMs?: number | undefined;
}

/**
 * Follows one resource for a client: looks when something may have changed, one look at a time, and notifies the client
 * if something has. Thousands of events thus cause only a few looks, and a slow client is not flooded.
 */
export class Pace {
  readonly #look: () => Promise<Glance>;
  readonly #tell: () => Promise<void>;
  #print: string | undefined;
  #looking = false;
  #touched = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, monotonic, in ms. */
  #timerAt = Number.POSITIVE_INFINITY;
  #restsUntil = 0;
  #ended = false;

  /** @param tell called after a look with a different print than the previous one */
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

  /** Schedules the next look, unless an earlier one is scheduled. */
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
      // The hub was lost: changes are seen when it is back.
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
