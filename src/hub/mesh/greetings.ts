import { fieldsOf } from '../../base/json.ts';
import { cleanLine } from '../../base/text.ts';
import { VERSION } from '../../base/version.ts';
import { PROTOCOL_VERSION } from '../../operations/request.ts';
import { spread } from './wire/backoff.ts';
import { type Hello, MESH_VERSION } from './wire/messages.ts';

/** The pause before a hello that was not answered is said again (ms), and the longest that it becomes. */
const AGAIN_MS = 3_000;
const LONGEST_MS = 60_000;
/** How many hellos a host may leave unanswered before the oldest is forgotten. */
const MAX_SENT = 20;
/**
 * With this many unanswered, the next one is said no sooner than `LEAST_MS` (ms) after the last: what a host sends while it
 * counts as offline is a reason for a hello, and its answers would be reasons for more, without end.
 */
const MANY = 10;
const LEAST_MS = 1_000;

interface Greeting {
  /** The `now` of each hello, and when it was sent. */
  sent: Map<string, number>;
  /** When to say hello next; undefined if there is no reason to. */
  dueAt: number | undefined;
  /** It is believed to be online: hello is said until it answers. */
  isExpected: boolean;
  pause: number;
  backAt: number | undefined;
}

/** How far a clock is ahead, and how long a message and its answer took, in ms. */
export interface Trip {
  offsetMs: number;
  roundTripMs: number;
}

/** Who is to be greeted when, and which greeting has come back. */
export class Greetings {
  readonly #with;
  readonly #of = new Map<string, Greeting>();

  constructor(parts: {
    peers: () => number;
    /** @returns the `now` of the hello that was sent */
    say: (name: string, greeting: Pick<Hello, 'reply' | 'echo'>) => string | undefined;
  }) {
    this.#with = parts;
  }

  /** Says hello once, at once; with many hosts, or many hellos without an answer, some time soon. */
  plan(name: string): void {
    const greeting = this.#get(name);
    const { sent } = greeting;
    const last = sent.size < MANY ? undefined : [...sent.values()].at(-1);
    const soonest = last === undefined ? 0 : last + LEAST_MS;
    greeting.dueAt ??= Math.max(soonest, performance.now() + spread(this.#with.peers()));
    this.tick();
  }

  /** The same, again and again until it answers. */
  expect(name: string): void {
    const greeting = this.#get(name);
    greeting.isExpected = true;
    greeting.pause = AGAIN_MS;
    this.plan(name);
  }

  /** It is not there: nothing is said any more. */
  drop(name: string): void {
    const greeting = this.#get(name);
    greeting.isExpected = false;
    greeting.dueAt = undefined;
  }

  forget(name: string): void {
    this.#of.delete(name);
  }

  /** For how long an answer may still come, in ms: without end while hello is said again and again. */
  waitsFor(name: string): number {
    const { dueAt, isExpected, sent, backAt = 0 } = this.#get(name);
    if (isExpected || dueAt !== undefined) return Number.POSITIVE_INFINITY;
    const last = Math.max(0, ...sent.values());
    return last > backAt ? Math.max(0, last + AGAIN_MS - performance.now()) : 0;
  }

  /** True if a hello has come back since then. @param since as `performance.now()` */
  backSince(name: string, since: number): boolean {
    const { backAt } = this.#get(name);
    return backAt !== undefined && backAt >= since;
  }

  /** A hello was sent in another way. */
  said(name: string, now: string): void {
    const { sent } = this.#get(name);
    sent.set(now, performance.now());
    const [oldest] = sent.keys();
    if (sent.size > MAX_SENT && oldest !== undefined) sent.delete(oldest);
  }

  /** A hello of this host. @returns undefined if it is no answer */
  back(name: string, { echo, now }: Hello): Trip | undefined {
    const greeting = this.#get(name);
    const sentAt = echo === undefined ? undefined : greeting.sent.get(echo);
    if (echo === undefined || sentAt === undefined) return undefined;
    const at = performance.now();
    Object.assign(greeting, { backAt: at, isExpected: false, dueAt: undefined });
    greeting.sent.delete(echo);
    const roundTripMs = at - sentAt;
    const offsetMs = Math.round(Date.parse(now) - (Date.parse(echo) + roundTripMs / 2));
    return { offsetMs, roundTripMs };
  }

  /** Says the hellos that are due. */
  tick(): void {
    const at = performance.now();
    for (const [name, greeting] of this.#of) {
      if (greeting.dueAt === undefined || greeting.dueAt > at) continue;
      const now = this.#with.say(name, { reply: true });
      if (now !== undefined) this.said(name, now);
      greeting.dueAt = greeting.isExpected ? at + greeting.pause : undefined;
      greeting.pause = Math.min(2 * greeting.pause, LONGEST_MS);
    }
  }

  #get(name: string): Greeting {
    const known = this.#of.get(name);
    if (known !== undefined) return known;
    const fresh = {
      sent: new Map(),
      dueAt: undefined,
      isExpected: false,
      pause: AGAIN_MS,
      backAt: undefined,
    };
    this.#of.set(name, fresh);
    return fresh;
  }
}

/** Why a hub that says this can't be understood, as a sentence; undefined if it can. @param hello whatever came */
export function protocolProblem(from: string, hello: unknown): string | undefined {
  const { v, protocol, version } = fieldsOf(hello);
  if (typeof v !== 'number' || typeof protocol !== 'number') return undefined;
  const difference = v - MESH_VERSION || protocol - PROTOCOL_VERSION;
  if (difference === 0) return undefined;
  const theirs = `${from} speaks protocol ${v}.${protocol} (mam ${cleanLine(String(version ?? 'unknown'), 40)})`;
  const older = difference < 0 ? from : 'this machine';
  return `${theirs}, this hub ${MESH_VERSION}.${PROTOCOL_VERSION} (mam ${VERSION}): update mam on ${older}.`;
}
