/** How often the page refreshes while it is visible and all is well, in ms. */
const BEAT_MS = 2_000;
const LONGEST_MS = 30_000;

interface PulseOptions {
  /** Refreshes once. @throws if the server could not be reached */
  work(): Promise<void>;
  /** Called after each failure. @param nextMs when the next attempt follows */
  failed(error: unknown, nextMs: number): void;
  well(): void;
}

/**
 * Refreshes every two seconds while the page is visible, less and less often while that fails, and not at all while the
 * page is hidden. A conversation may contain many boards, of which one is on the screen.
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

  /** Refreshes for the first time, unless that has already happened. */
  start(): void {
    if (!this.#begun) this.now();
  }

  /** Refreshes now, or again after the refresh in progress. */
  now(): void {
    clearTimeout(this.#timer);
    this.#begun = true;
    if (this.#ended) return;
    if (this.#running) this.#again = true;
    else void this.#beat();
  }

  /** Called when the page becomes visible or hidden. */
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
