/** The longest delay that setTimeout supports, in ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** How often the clock checks for gaps, in ms. */
const TICK_MS = 500;
/** A longer gap (ms) between two readings means that the machine slept or this process was stopped. */
const GAP_MS = 2_000;
/** The clock resumes this long (ms) after a gap, so that other processes that slept too can report first. */
const GRACE_MS = 5_000;
/** A gap of this length (ms) counts as sleep, which always earns a grace period; shorter gaps may repeat. */
const SLEEP_MS = 60_000;

/** The clock for all time limits. It pauses while the machine sleeps or this process is stopped, and cannot be set. */
export class AwakeClock {
  readonly #read: () => number;
  #seen: number;
  #time = 0;
  #grace = 0;
  /** When the last grace period began. */
  #spared = Number.NEGATIVE_INFINITY;
  #ticks: NodeJS.Timeout | undefined;

  /** @param read a monotonic clock, in ms */
  constructor(read: () => number = monotonic) {
    this.#read = read;
    this.#seen = read();
  }

  /** How long this process has been awake, in ms: to compare with other readings only. */
  now(): number {
    const at = this.#read();
    const passed = at - this.#seen;
    this.#seen = at;
    if (passed > GAP_MS) {
      // Otherwise time would never pass for a process that is stopped again and again.
      if (passed >= SLEEP_MS || this.#time - this.#spared >= GRACE_MS) {
        this.#grace = GRACE_MS;
        this.#spared = this.#time;
      }
      return this.#time;
    }
    const spared = Math.min(this.#grace, passed);
    this.#grace -= spared;
    this.#time += passed - spared;
    return this.#time;
  }

  /** Starts to check for gaps. Does not keep the process alive. */
  start(): void {
    this.now();
    this.#ticks ??= setInterval(() => this.now(), TICK_MS).unref();
  }

  /** Calls `done` once, after `ms` milliseconds of this clock. @returns a function that cancels it */
  after(ms: number, done: () => void): () => void {
    this.start();
    const due = this.now() + ms;
    let timer: NodeJS.Timeout;
    const look = (): void => {
      const left = due - this.now();
      if (left <= 0) done();
      else timer = setTimeout(look, Math.min(left, MAX_TIMER_MS));
    };
    timer = setTimeout(look, Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  }
}

/** The system's monotonic clock, in ms; the same for all processes. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The clock of this process. */
export const awake = new AwakeClock();
