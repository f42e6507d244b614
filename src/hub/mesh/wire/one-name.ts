import { awake } from '../../../base/awake.ts';
import { parseJson } from '../../../base/json.ts';
import { type Hello, helloSchema } from './messages.ts';

/** How long an answer to a question counts, in ms: a broker that restarts answers later than that. */
const ANSWER_MS = 15_000;
/** The shortest pause between two questions (ms), so that two hubs of one name do not talk without end. */
const PAUSE_MS = 1_000;

/**
 * Makes sure that a name is one hub: of two that live, the one that started first. They ask each other in the inbox that
 * they share, where a dead one is silent, whatever the broker still keeps of it.
 */
export class OneName {
  readonly #with;
  /** The `now` of each question, and when it was asked. */
  readonly #asked = new Map<string, number>();
  #back: ((now: string) => void) | undefined;

  constructor(parts: {
    /** When this hub started. */
    epoch: string;
    /** Sends a hello from this hub's name to its own inbox. */
    say: (more: Pick<Hello, 'reply' | 'echo'>) => string;
    /** Another hub, which started earlier, lives and has the name. */
    taken: (other: Hello) => void;
  }) {
    this.#with = parts;
  }

  /** Asks whether another hub has the name. @returns once the question itself has come back, in ms */
  ask(): Promise<number> {
    const began = performance.now();
    const now = this.#ask();
    return new Promise((resolve) => {
      this.#back = (came) => {
        if (came === now) resolve(performance.now() - began);
      };
    });
  }

  /** Asks without waiting, unless it has just asked. */
  askAgain(): void {
    const last = [...this.#asked.values()].at(-1);
    if (last === undefined || awake.now() - last >= PAUSE_MS) this.#ask();
  }

  /** A hello from this hub's own name. */
  take(payload: Buffer): void {
    const { data: hello } = helloSchema.safeParse(parseJson(payload.toString()));
    if (hello === undefined) return;
    const { epoch, say, taken } = this.#with;
    if (hello.epoch === epoch) {
      this.#back?.(hello.now);
      return;
    }
    const asked = hello.echo === undefined ? undefined : this.#asked.get(hello.echo);
    const isAlive = asked !== undefined && awake.now() - asked <= ANSWER_MS;
    if (hello.reply) say({ reply: false, echo: hello.now });
    if (!isAlive) this.askAgain();
    else if (hello.epoch < epoch) taken(hello);
  }

  #ask(): string {
    const now = this.#with.say({ reply: true });
    this.#asked.set(now, awake.now());
    for (const [old, at] of this.#asked) if (awake.now() - at > ANSWER_MS) this.#asked.delete(old);
    return now;
  }
}
