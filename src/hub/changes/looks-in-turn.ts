/** Work of one kind at one place that has not begun yet. */
interface Waiting {
  done: Promise<unknown>;
}

/**
 * Looks at repositories, one after the other in each: ten jobs that start at once must not read one index ten times at the
 * same time. Those that ask for the same look before it has begun share it.
 */
export class LooksInTurn {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param queue what is not to be read twice at a time @param key the same for looks that give the same answer
   * @returns what `look` does, which begins after this call
   */
  run<T>(queue: string, key: string, look: () => Promise<T>): Promise<T> {
    const known = this.#waiting.get(key);
    if (known !== undefined) return known.done as Promise<T>;
    const before = this.#last.get(queue) ?? Promise.resolve();
    const done = before.then(() => {
      this.#waiting.delete(key);
      return look();
    });
    this.#waiting.set(key, { done });
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#last.set(queue, settled);
    void settled.then(() => {
      if (this.#last.get(queue) === settled) this.#last.delete(queue);
    });
    return done;
  }
}
