/** A generator whose choices are determined by its seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A separate one for a part of the run, so that the parts do not affect each other. */
  fork(name: string): Random {
    let seed = this.#state;
    for (const char of name) seed = Math.imul(seed ^ char.charCodeAt(0), 0x01000193);
    return new Random(seed);
  }

  /** From 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of at least one. */
  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)] as T;
  }

  /** One of these, weighted by its number. */
  weighted<T extends string>(shares: Readonly<Record<T, number>>): T {
    const entries = Object.entries(shares) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, share]) => sum + share, 0);
    for (const [name, share] of entries) {
      left -= share;
      if (left < 0) return name;
    }
    return (entries[0] as [T, number])[0];
  }
}
