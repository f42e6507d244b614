import type { LogMessage } from '../job/request.ts';

export type LogListener = (message: LogMessage) => void;

/** Who listens to which log topic. */
export class Follows {
  readonly #listeners = new Map<string, Set<LogListener>>();

  get topics(): string[] {
    return [...this.#listeners.keys()];
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** @returns true when this is the topic's first listener, so that a subscription is needed */
  add(topic: string, listener: LogListener): boolean {
    const known = this.#listeners.get(topic);
    if (known === undefined) this.#listeners.set(topic, new Set([listener]));
    else known.add(listener);
    return known === undefined;
  }

  /** @returns true when the topic has no listener left */
  remove(topic: string, listener: LogListener): boolean {
    const known = this.#listeners.get(topic);
    if (known === undefined || !known.delete(listener) || known.size > 0) return false;
    return this.#listeners.delete(topic);
  }

  /** Hands a message of the log to those who listen to its topic. */
  deliver(topic: string, message: LogMessage): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(message);
  }
}
