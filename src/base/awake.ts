/** The longest time setTimeout can count, in ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** The clock is read so often by itself, in ms. */
const TICK_MS = 500;
/** Nobody ran for longer than this (ms) between two readings: the machine slept, or this process was stopped. */
const GAP_MS = 2_000;
/** After a gap the clock goes on so much later, in ms: whoever slept as well needs a moment to report. */
const GRACE_MS = 5_000;
/** A gap of this length is a sleep, and always has its grace; shorter ones may come without end, in ms. */
const SLEEP_MS = 60_000;

/**
 * The clock of all limits: it stands still while the machine sleeps or this process is stopped, and nobody can set it.
 */
export class AwakeClock {
  private readonly read: () => number;
  private seen: number;
  private time = 0;
  private grace = 0;
  /** What the clock read at the last grace. */
  private spared = Number.NEGATIVE_INFINITY;
  private ticks: NodeJS.Timeout | undefined;

  /** @param read a monotonic clock, in ms */
  constructor(read: () => number = monotonic) {
    this.read = read;
    this.seen = read();
  }

  /** How long this process has been awake, in ms: to be compared with other readings only. */
  now(): number {
    const at = this.read();
    const passed = at - this.seen;
    this.seen = at;
    if (passed > GAP_MS) {
      // Or a process that is stopped again and again would have no time at all.
      if (passed >= SLEEP_MS || this.time - this.spared >= GRACE_MS) {
        this.grace = GRACE_MS;
        this.spared = this.time;
      }
      return this.time;
    }
    const spared = Math.min(this.grace, passed);
    this.grace -= spared;
    this.time += passed - spared;
    return this.time;
  }

  /** Reads itself from now on, so that a gap shows. Keeps no process alive. */
  start(): void {
    this.now();
    this.ticks ??= setInterval(() => this.now(), TICK_MS).unref();
  }

  /** Calls back once, after so many ms of this clock. @returns a function that takes it back */
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

/** The system's clock that nobody sets, in ms; the same for all processes since its start. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The one of this process. */
export const awake = new AwakeClock();
