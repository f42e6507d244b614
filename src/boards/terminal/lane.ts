/** After a failure the next try waits for this time, in ms: what fails at once must not be asked without end. */
const RETRY_MS = 1_000;

/** Work of which one piece is under way at a time. */
export class Lane {
  readonly #work: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  readonly #done: () => void;
  #busy = false;

  /** @param done called after each piece: looks whether there is more to do by then */
  constructor(work: () => Promise<void>, failed: (error: unknown) => void, done: () => void) {
    this.#work = work;
    this.#failed = failed;
    this.#done = done;
  }

  /** Begins a piece, unless one is under way: that one's end is the next occasion. */
  run(): void {
    if (this.#busy) return;
    this.#busy = true;
    const free = (): void => {
      this.#busy = false;
      this.#done();
    };
    this.#work().then(free, (error: unknown) => {
      this.#failed(error);
      setTimeout(free, RETRY_MS).unref();
    });
  }
}
