import { reduce } from './reduce.ts';
import type { Action, State } from './state.ts';

/** The minimum time between two pictures, in ms: more would not be noticed, and would delay the keys. */
const FRAME_MS = 50;

/**
 * The board's state, and the picture of it that is drawn. The state changes immediately; the picture follows
 * immediately after a pause, otherwise at most 20 times a second.
 */
export class Store {
  #state: State;
  #picture: State;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(state: State) {
    this.#state = state;
    this.#picture = state;
  }

  get state(): State {
    return this.#state;
  }

  readonly picture = (): State => this.#picture;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  dispatch(action: Action): void {
    this.set(reduce(this.#state, action));
  }

  set(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    const wait = this.#drawnAt + FRAME_MS - performance.now();
    if (wait <= 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), wait);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawnAt = performance.now();
    this.#picture = this.#state;
    for (const listener of [...this.#listeners]) listener();
  }
}
