/** The first pause, and the longest, in ms. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** The same at a broker with few hosts: whoever waits there hears soon of a link that is back. */
const LONGEST_OF_FEW_MS = 2_000;
/** The pause while the other side could not be reached for less than `SOON_FOR_MS`: most links are back soon. */
const SOON_MS = 500;
const SOON_FOR_MS = 60_000;
/** With more hosts, a broker that comes back must not be flooded: everybody waits up to `SPREAD_MS` longer. */
const MANY_HOSTS = 100;
const SPREAD_MS = 30_000;

/** The pauses between attempts to connect: longer each time, and never the same for two hubs. */
export class Backoff {
  readonly #peers: (() => number) | undefined;
  #delay = FIRST_MS;
  /** Since when it has not worked, by the monotonic clock, in ms. */
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param peers how many hosts are at the broker; absent for a way that leads to one host */
  constructor(peers?: () => number) {
    this.#peers = peers;
  }

  /** True in the first minute without a connection: an attempt that is not answered soon is then better made anew. */
  get isEarly(): boolean {
    return this.#since !== undefined && performance.now() - this.#since < SOON_FOR_MS;
  }

  /** Calls `attempt` after the next pause. @param isUnreached nobody was asked, so nobody is bothered by asking again soon */
  next(attempt: () => void, isUnreached: boolean): void {
    this.#since ??= performance.now();
    const peers = this.#peers?.() ?? MANY_HOSTS;
    const isSoon = isUnreached && this.isEarly;
    const pause = (isSoon ? SOON_MS : this.#delay) * (1 + Math.random() / 2) + spread(peers);
    if (!isSoon) this.#delay = Math.min(2 * this.#delay, peers < MANY_HOSTS ? LONGEST_OF_FEW_MS : LONGEST_MS);
    this.after(pause, attempt);
  }

  /** Calls `attempt` after `ms` instead of what was planned. */
  after(ms: number, attempt: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(attempt, ms).unref();
  }

  /** It has worked: the next pause is the first one again. */
  reset(): void {
    this.#delay = FIRST_MS;
    this.#since = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** A random pause (ms) by which many hubs come one after the other; 0 for few. @param peers how many hosts there are */
export function spread(peers: number): number {
  return peers > MANY_HOSTS ? Math.random() * SPREAD_MS : 0;
}
