import { MamError } from '../../../base/errors.ts';
import { parseObject } from '../../../base/json.ts';
import type { Log } from '../../../base/log.ts';
import { cleanLine } from '../../../base/text.ts';
import { within } from '../../../base/within.ts';
import { plainError } from '../../delegation/plain-error.ts';
import {
  type Ask,
  type AskAnswer,
  type AskCommand,
  askSchema,
  EXPIRED,
  MAX_PAYLOAD_BYTES,
  MESH_VERSION,
} from '../wire/messages.ts';
import type { MeshMessage } from '../wire/wire.ts';
import { askParams } from './ask-params.ts';
import { HomeCommands, type HomeParts } from './home-commands.ts';
import type { Guest, Policy } from './policy.ts';
import { toldError } from './told-error.ts';

/** How long an answer is kept for repetitions of its ask, in ms: it may have been lost. */
const KEPT_MS = 60_000;
/** Kept answers of one host; with more asks in a minute, the oldest are carried out again if they are repeated. */
const KEPT_OF_HOST = 200;
/** Asks of one host at a time. */
const RUNNING_OF_HOST = 50;
/** How many asks wait while it is tested whether senders are proven, and how long at most, in ms; more come again. */
const MAX_HELD = 200;
const HELD_MS = 10_000;
/** What may be done again when it is repeated: its answers are not kept. */
const HARMLESS: readonly AskCommand[] = [
  ...(['preview', 'put', 'events', 'text', 'screen', 'agents', 'list'] as const),
];
const LOGGED_CHARS = 500;

type Outcome = Pick<AskAnswer, 'result' | 'error'>;

/** Takes what other hosts ask of this one, and answers it: each ask is carried out once, however often it comes. */
export class Incoming {
  readonly #with;
  readonly #commands: HomeCommands;
  /** By sender and id, the oldest first. */
  readonly #kept = new Map<string, { from: string; outcome: Outcome; timer: NodeJS.Timeout }>();
  /** Asks that are being carried out, each with where its answer goes. */
  readonly #running = new Map<string, MeshMessage>();
  /** How many asks wait to be judged. */
  #held = 0;

  constructor(
    parts: HomeParts & {
      policy: Policy;
      log: Log;
      /** Settles when the jobs of the last hub are taken up; undefined once they are. */
      ready: () => Promise<void> | undefined;
    },
  ) {
    this.#with = parts;
    this.#commands = new HomeCommands(parts);
  }

  /** True while something is being done for another host. */
  get hasWork(): boolean {
    return this.#running.size > 0;
  }

  stop(): void {
    for (const { timer } of this.#kept.values()) clearTimeout(timer);
  }

  /** Takes a message of kind `ask`. What is no ask is dropped. */
  async take(message: MeshMessage): Promise<void> {
    const ask = askOf(message.payload);
    if (ask === undefined) {
      this.#with.log.warn(`an ask of ${cleanLine(message.from, 80)} that cannot be read was dropped`);
      return;
    }
    // A shell of ours and somebody at the broker may have one name.
    const key = JSON.stringify([message.wire.kind, message.from, ask.id]);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return this.#send(message, ask, kept.outcome);
    if (this.#running.has(key)) {
      this.#running.set(key, message);
      return;
    }
    this.#running.set(key, message);
    const outcome = await this.#outcomeOf(ask, message);
    const last = this.#running.get(key) ?? message;
    this.#running.delete(key);
    if (outcome === undefined) return;
    if (!HARMLESS.includes(ask.command)) this.#keep(key, message.from, outcome);
    this.#send(last, ask, outcome);
  }

  /** @returns undefined for an ask that can't be judged yet: it comes again */
  async #outcomeOf(ask: Ask, message: MeshMessage): Promise<Outcome | undefined> {
    let guest: Guest | undefined;
    try {
      checkVersion(ask.v);
      // Its sender counts on it that this is never done.
      if (isOver(ask)) return { error: expired() };
      guest = await this.#guestOf(message);
      if (guest === undefined) return undefined;
      this.#checkLoad(message);
      const params = askParams(ask.command, ask.params);
      await this.#with.ready();
      if (isOver(ask)) return { error: expired() };
      const result = await this.#commands.run(ask.command, guest, params, `${message.from}:${ask.id}`);
      return { result };
    } catch (error) {
      this.#note(error, ask, message);
      return { error: toldError(error, ask.command, guest) };
    }
  }

  /** Who has sent an ask, once that can be judged. @throws MamError as `Policy.guestOf` */
  async #guestOf(message: MeshMessage): Promise<Guest | undefined> {
    const { policy } = this.#with;
    const guest = policy.guestOf(message);
    if (guest !== undefined || this.#held >= MAX_HELD) return guest;
    this.#held++;
    await within(policy.known(), HELD_MS);
    this.#held--;
    return policy.guestOf(message);
  }

  #checkLoad({ from }: MeshMessage): void {
    const own = [...this.#running.values()].filter((one) => one.from === from);
    if (own.length <= RUNNING_OF_HOST) return;
    const what = `${own.length - 1} requests of your host are already being carried out.`;
    throw plainError('unavailable', what, 'Wait until some of them have ended.');
  }

  #note(error: unknown, { command }: Ask, { from }: MeshMessage): void {
    const { log } = this.#with;
    const what = `${command} for ${cleanLine(from, 80)}`;
    if (!(error instanceof MamError)) log.error(`${what} failed`, error);
    else log.info(`${what}: ${error.code}: ${cleanLine(error.text, LOGGED_CHARS)}`);
  }

  #keep(key: string, from: string, outcome: Outcome): void {
    const timer = setTimeout(() => this.#kept.delete(key), KEPT_MS).unref();
    this.#kept.set(key, { from, outcome, timer });
    const own = [...this.#kept].filter(([, one]) => one.from === from);
    for (const [oldest, one] of own.slice(0, Math.max(0, own.length - KEPT_OF_HOST))) {
      clearTimeout(one.timer);
      this.#kept.delete(oldest);
    }
  }

  #send({ wire, from, to }: MeshMessage, { id }: Ask, outcome: Outcome): void {
    const body: AskAnswer = { v: MESH_VERSION, id, ...outcome, now: new Date().toISOString() };
    wire.send(from, 'answer', body, { as: to });
  }
}

function askOf(payload: Buffer): Ask | undefined {
  if (payload.length > MAX_PAYLOAD_BYTES) return undefined;
  const { data } = askSchema.safeParse(parseObject(payload.toString()));
  return data;
}

function isOver({ expires_at }: Ask): boolean {
  return Date.parse(expires_at) < Date.now();
}

/** The answer to an ask that is too old: it was not carried out, and never will be. */
function expired(): NonNullable<Outcome['error']> {
  return { code: EXPIRED, message: 'The request came too late, so nothing was done.', hint: 'Try again.' };
}

/** @throws MamError `conflict` for an ask of another version */
function checkVersion(spoken: number): void {
  if (spoken === MESH_VERSION) return;
  throw plainError(
    'conflict',
    `This hub speaks version ${MESH_VERSION} to other hubs, and the host that asks speaks version ${spoken}.`,
    `Update mam on ${spoken > MESH_VERSION ? 'this host' : 'the host that asks'}.`,
  );
}
