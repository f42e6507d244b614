/** The first pause, and the longest, in ms. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** The pause where nobody was reached: this long (ms), and later this share of the time since the loss. */
const SOON_MS = 400;
const SOON_SHARE = 0.02;
/** A connection that was lost sooner (ms) has not worked: whoever ends each one right away is not asked again so soon. */
const HELD_MS = 5_000;
/** With more hosts, a broker that comes back must not be flooded: everybody waits up to `SPREAD_MS` longer. */
const MANY_HOSTS = 100;
const SPREAD_MS = 30_000;

/** The pauses between attempts to connect: never the same for two hubs. */
export class Backoff {
  readonly #peers: () => number;
  #delay = FIRST_MS;
  /** Since when it has not worked, by the monotonic clock, in ms. */
  #since: number | undefined;
  /** When the last connection was made, likewise. */
  #madeAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param peers how many hosts are at the broker; absent for a way that leads to one host */
  constructor(peers: () => number = () => 1) {
    this.#peers = peers;
  }

  /** Calls `attempt` after the next pause. @param isUnreached nobody was asked, so nobody is bothered by asking again soon */
  next(attempt: () => void, isUnreached: boolean): void {
    const now = performance.now();
    const hasHeld = this.#madeAt === undefined ? undefined : now - this.#madeAt >= HELD_MS;
    this.#madeAt = undefined;
    if (hasHeld === true) this.reset();
    this.#since ??= now;
    const peers = this.#peers();
    const isSoon = isUnreached && hasHeld !== false && isFew(peers);
    const soon = Math.min(LONGEST_MS, Math.max(SOON_MS, SOON_SHARE * (now - this.#since)));
    const pause = (isSoon ? soon : this.#delay) * (1 + Math.random() / 2) + spread(peers);
    if (!isSoon) this.#delay = Math.min(2 * this.#delay, LONGEST_MS);
    this.after(pause, attempt);
  }

  /** Calls `attempt` after `ms` instead of what was planned. */
  after(ms: number, attempt: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(attempt, ms).unref();
  }

  /** There is a connection. */
  connected(): void {
    this.#since = undefined;
    this.#madeAt = performance.now();
  }

  /** The next pause is the first one again. */
  reset(): void {
    this.#delay = FIRST_MS;
    this.#since = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** True for so few hosts that nothing suffers when all of them are quick. */
export function isFew(peers: number): boolean {
  return peers <= MANY_HOSTS;
}

/** A random pause (ms) by which many hubs come one after the other; 0 for few. @param peers how many hosts there are */
export function spread(peers: number): number {
  return isFew(peers) ? 0 : Math.random() * SPREAD_MS;
}
