/** The longest time that setTimeout can count, in ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** How often the clock reads itself, in ms. */
const TICK_MS = 500;
/** After a longer time (ms) between two readings, the machine slept or this process was stopped. */
const GAP_MS = 2_000;
/** The clock resumes this long (ms) after a gap: others that slept too need a moment to report. */
const GRACE_MS = 5_000;
/** A gap of this length (ms) is a sleep, which always gets its grace; shorter ones may come again and again. */
const SLEEP_MS = 60_000;

/**
 * The clock of all limits: it stops while the machine sleeps or this process is stopped, and cannot be set.
 */
export class AwakeClock {
  readonly #read: () => number;
  #seen: number;
  #time = 0;
  #grace = 0;
  /** The time of the last grace. */
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
      // Otherwise a process that is stopped again and again would have no time at all.
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

  /** Reads itself from now on, so that it notices gaps. Keeps no process alive. */
  start(): void {
    this.now();
    this.#ticks ??= setInterval(() => this.now(), TICK_MS).unref();
  }

  /** Calls back once, after so many ms of this clock. @returns a function that cancels it */
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
