import { realPlace } from '../base/real-place.ts';

/**
 * Lets one change after the other run in each repository: git's own locks cover single commands, not a check and what is
 * done after it.
 */
export class PerRepository {
  readonly #last = new Map<string, Promise<unknown>>();

  /** True while something runs or waits. */
  get isBusy(): boolean {
    return this.#last.size > 0;
  }

  /** Runs a change once all earlier ones of the repository have ended. @param repository its common git folder */
  run<T>(repository: string, change: () => Promise<T>): Promise<T> {
    const key = realPlace(repository);
    const before = this.#last.get(key) ?? Promise.resolve();
    const done = before.then(change, change);
    // Whoever is next waits for the end of this one, however it ends.
    const ended = done.then(
      () => {},
      () => {},
    );
    this.#last.set(key, ended);
    void ended.then(() => this.#last.get(key) === ended && this.#last.delete(key));
    return done;
  }
}
