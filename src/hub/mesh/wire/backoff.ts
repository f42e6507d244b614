const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** The same at a broker with few hosts: whoever waits there hears soon of a link that is back. */
const LONGEST_OF_FEW_MS = 2_000;
/** With more hosts, a broker that comes back must not be flooded: everybody waits up to `SPREAD_MS` longer. */
const MANY_HOSTS = 100;
const SPREAD_MS = 30_000;

/** The pauses between attempts to connect: longer each time, and never the same for two hubs. */
export class Backoff {
  readonly #peers: (() => number) | undefined;
  #delay = FIRST_MS;
  #timer: NodeJS.Timeout | undefined;

  /** @param peers how many hosts are at the broker; absent for a way that leads to one host */
  constructor(peers?: () => number) {
    this.#peers = peers;
  }

  /** Calls `attempt` after the next pause. */
  next(attempt: () => void): void {
    const peers = this.#peers?.() ?? MANY_HOSTS;
    const pause = this.#delay * (1 + Math.random() / 2) + spread(peers);
    this.#delay = Math.min(2 * this.#delay, peers < MANY_HOSTS ? LONGEST_OF_FEW_MS : LONGEST_MS);
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
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** A random pause (ms) by which many hubs come one after the other; 0 for few. @param peers how many hosts there are */
export function spread(peers: number): number {
  return peers > MANY_HOSTS ? Math.random() * SPREAD_MS : 0;
}
