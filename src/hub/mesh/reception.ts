import { parseJson } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import type { Directory } from './directory.ts';
import { type AskAnswer, answerSchema, type Digest, digestSchema, type Kind } from './wire/messages.ts';
import type { MeshMessage } from './wire/wire.ts';

/** What a host may also send where it is not asked itself. */
const ASKING: readonly Kind[] = ['hello', 'ask', 'claim'];
/** How many unknown senders are named in the log. */
const MAX_STRANGERS = 1_000;

/** Who takes what other hubs send; a kind that nobody takes is dropped. */
export interface Receivers {
  ask(message: MeshMessage): void;
  answer(from: string, answer: AskAnswer): void;
  feed(from: string, jobId: string, feed: unknown): void;
  digest(from: string, digest: Digest): void;
  /** Rejects if it can't be taken now, but may be later. */
  claim(message: MeshMessage): Promise<void>;
}

/** Hands each message of another hub to whoever takes its kind; nothing from a sender that is not known. */
export class Reception {
  /** Set once, before the first message. */
  receivers: Partial<Receivers> = {};
  readonly #directory: Pick<Directory, 'heard' | 'takeHello' | 'isBeside' | 'isKnown'>;
  readonly #log: Log;
  readonly #strangers = new Set<string>();

  constructor(directory: Pick<Directory, 'heard' | 'takeHello' | 'isBeside' | 'isKnown'>, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Takes a message; one that can't be taken is dropped. */
  take(message: MeshMessage): void {
    const { wire, from, kind } = message;
    // It comes over the session for reports as well.
    if (kind === 'claim' && wire.kind === 'broker') return;
    try {
      if (!this.#isFromKnown(message)) return;
      this.#directory.heard(message);
      this.#dispatch(message);
    } catch (error) {
      this.#log.error(`a message (${kind}) of ${from} was dropped`, error);
    }
  }

  /** Takes a report that came over the session for these. Rejects if it can't be taken now, but may be later. */
  async takeClaim(message: MeshMessage): Promise<void> {
    if (this.#isFromKnown(message)) await this.receivers.claim?.(message);
  }

  #dispatch(message: MeshMessage): void {
    const { from, kind, jobId, payload } = message;
    const { ask, answer, feed, digest, claim } = this.receivers;
    const body = parseJson(payload.toString());
    const answered = kind === 'answer' ? answerSchema.safeParse(body).data : undefined;
    const told = kind === 'digest' ? digestSchema.safeParse(body).data : undefined;
    if (kind === 'hello') this.#directory.takeHello(message);
    else if (kind === 'ask') ask?.(message);
    else if (kind === 'claim')
      claim?.(message).catch((error) => this.#log.error(`a report of ${from} was not taken`, error));
    else if (kind === 'feed' && jobId !== undefined) feed?.(from, jobId, body);
    else if (answered !== undefined) answer?.(from, answered);
    else if (told !== undefined) digest?.(from, told);
    else this.#log.warn(`a message (${kind}) of ${from} can't be read and was dropped`);
  }

  /** Over the broker only hosts that are named count, over ssh only the one at its end; over the socket everybody. */
  #isFromKnown({ wire, from, kind }: MeshMessage): boolean {
    if (wire.kind === 'socket') return true;
    const isItsWay = ASKING.includes(kind) || !this.#directory.isBeside(from, wire);
    const isKnown = wire.kind === 'ssh' ? from === wire.host : isItsWay && this.#directory.isKnown(from);
    if (isKnown || this.#strangers.has(from) || this.#strangers.size >= MAX_STRANGERS) return isKnown;
    this.#strangers.add(from);
    this.#log.warn(
      isItsWay
        ? `${from} has sent something (${kind}), but hosts does not name it: it is not answered`
        : `something (${kind}) came over the broker in the name of ${from}, which is reached over ssh: it was dropped`,
    );
    return false;
  }
}
