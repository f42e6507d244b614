import { filterOf } from '../bus/topics.ts';
import type { LogMessage } from '../operations/request.ts';

export type LogListener = (message: LogMessage) => void;

/** One wait often follows another: a topic without listeners stays subscribed for this time, in ms. */
const LEAVE_MS = 5_000;

/** Keeps the broker's subscriptions in sync with the listeners. */
interface Subscriptions {
  join(topic: string): void;
  leave(topic: string): void;
}

/**
 * The listeners of log topics. A broker that gets UNSUBSCRIBE and SUBSCRIBE for one topic at the same time may mix them
 * up (aedes does, and the listener receives nothing), so a topic is unsubscribed only after a while without listeners.
 */
export class Follows {
  readonly #listeners = new Map<string, Set<LogListener>>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  readonly #subscriptions: Subscriptions;

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  get topics(): string[] {
    return [...this.#listeners.keys()];
  }

  get size(): number {
    return this.#listeners.size;
  }

  has(topic: string): boolean {
    return this.#listeners.has(topic);
  }

  add(topic: string, listener: LogListener): void {
    const known = this.#listeners.get(topic);
    if (known !== undefined) {
      known.add(listener);
      return;
    }
    this.#listeners.set(topic, new Set([listener]));
    const leaving = this.#leaving.get(topic);
    clearTimeout(leaving);
    this.#leaving.delete(topic);
    if (leaving === undefined) this.#subscriptions.join(topic);
  }

  remove(topic: string, listener: LogListener): void {
    const known = this.#listeners.get(topic);
    if (known === undefined || !known.delete(listener) || known.size > 0) return;
    this.#listeners.delete(topic);
    const leave = (): void => {
      this.#leaving.delete(topic);
      this.#subscriptions.leave(topic);
    };
    this.#leaving.set(topic, setTimeout(leave, LEAVE_MS).unref());
  }

  /** A new connection subscribes only to the topics with listeners. */
  renew(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
  }

  /** Passes a log message to the listeners of its topic and to those of all jobs. */
  deliver(topic: string, message: LogMessage): void {
    for (const heard of [topic, filterOf(topic)]) {
      for (const listener of [...(this.#listeners.get(heard) ?? [])]) listener(message);
    }
  }
}
