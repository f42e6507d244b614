/** Runs tasks one after the other. */
export class Queue {
  #last: Promise<unknown> | undefined;

  /** True while something runs. */
  get isBusy(): boolean {
    return this.#last !== undefined;
  }

  /** @returns the work's result; it runs once all earlier work has settled */
  run<T>(work: () => Promise<T>): Promise<T> {
    const run = (this.#last ?? Promise.resolve()).then(work);
    const settled = run.then(
      () => {},
      () => {},
    );
    this.#last = settled;
    void settled.then(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    return run;
  }
}
