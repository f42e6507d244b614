import { cleanLine } from '../base/text.ts';
import type { LogMessage } from '../operations/request.ts';

/** The longest silence towards a client, in ms: OpenCode gives up after 60 s. */
const BEAT_MS = 10_000;
/** The minimum time between two reports of events, in ms: a burst is one message. */
const LEAST_MS = 1_000;
/** How much of an event's text a message carries, in characters. */
const LAST_WORDS = 120;

/** Reports to a client, in words for the user, that a wait is alive and what happened last. */
export class Heartbeat {
  readonly #progress: (message: string) => void;
  #what: string;
  readonly #started = performance.now();
  readonly #beat: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #reported = Number.NEGATIVE_INFINITY;
  #last = '';

  /** @param what is waited for, such as `job roof-1a2b3c4d` */
  constructor(progress: (message: string) => void, what: string) {
    this.#progress = progress;
    this.#what = what;
    this.#beat = setInterval(() => this.#report(), BEAT_MS);
  }

  waitsFor(what: string): void {
    this.#what = what;
  }

  /** An event arrived: it is reported immediately, or together with those of the same second. */
  heard({ event, status }: LogMessage): void {
    const words = event.detail === undefined ? '' : `: ${cleanLine(event.detail, LAST_WORDS)}`;
    this.#last = `; ${event.job_id} is ${status}, last event ${event.type}${words}`;
    const left = this.#reported + LEAST_MS - performance.now();
    if (left <= 0) this.#report();
    else this.#soon ??= setTimeout(() => this.#report(), left);
  }

  end(): void {
    clearInterval(this.#beat);
    clearTimeout(this.#soon);
  }

  #report(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#reported = performance.now();
    const seconds = Math.round((this.#reported - this.#started) / 1000);
    this.#progress(`Waiting for ${this.#what}, ${seconds} s${this.#last}`);
  }
}
