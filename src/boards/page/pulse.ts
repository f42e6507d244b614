/** How often the page looks while it is seen and all is well, in ms. */
const BEAT_MS = 2_000;
const LONGEST_MS = 30_000;

interface PulseOptions {
  /** Looks once. @throws when the server could not be asked */
  work(): Promise<void>;
  /** Called after each look that failed. @param nextMs when the next one comes */
  failed(error: unknown, nextMs: number): void;
  /** Called after a look that went well. */
  well(): void;
}

/**
 * Looks again and again: every two seconds while the page is seen, ever more rarely while that fails, and not at all
 * while it is out of sight. A conversation may hold many boards, of which one is on the screen.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #running = false;
  #again = false;
  #begun = false;
  #seen = true;
  #ended = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Looks for the first time, unless it has already. */
  start(): void {
    if (!this.#begun) this.now();
  }

  /** Looks now, or once more when a look is under way. */
  now(): void {
    clearTimeout(this.#timer);
    this.#begun = true;
    if (this.#ended) return;
    if (this.#running) this.#again = true;
    else void this.#beat();
  }

  /** Takes whether the page can be seen. */
  see(seen: boolean): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (seen) this.now();
    else clearTimeout(this.#timer);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #beat(): Promise<void> {
    this.#running = true;
    this.#again = false;
    let wait = BEAT_MS;
    try {
      await this.#options.work();
      this.#failures = 0;
      this.#options.well();
    } catch (error) {
      wait = Math.min(LONGEST_MS, BEAT_MS * 2 ** this.#failures++);
      this.#options.failed(error, wait);
    }
    this.#running = false;
    if (this.#again) this.now();
    else if (this.#seen && !this.#ended) this.#timer = setTimeout(() => this.now(), wait);
  }
}
