import { awake } from '../../base/awake.ts';

/** How many runs may come at once, and how soon (ms) one more is allowed. */
const MOST_AT_ONCE = 6;
const ONE_MORE_MS = 10_000;

/** How often a command may be run: a few at once, then one every ten seconds. */
export class Allowance {
  #left = MOST_AT_ONCE;
  #at = awake.now();

  /** How many runs are allowed now. */
  get left(): number {
    const gained = Math.floor((awake.now() - this.#at) / ONE_MORE_MS);
    this.#left = Math.min(MOST_AT_ONCE, this.#left + gained);
    this.#at = this.#left === MOST_AT_ONCE ? awake.now() : this.#at + gained * ONE_MORE_MS;
    return this.#left;
  }

  /** How long until the next run is allowed, in ms. */
  pauseMs(): number {
    return this.left > 0 ? 0 : Math.max(1, ONE_MORE_MS - (awake.now() - this.#at));
  }

  use(): void {
    this.#left--;
  }
}
