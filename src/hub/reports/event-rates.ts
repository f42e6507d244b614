import { LIMITS } from '../../job/limits.ts';
import type { JobRecord } from '../../job/record.ts';
import { AMENDABLE, isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

const MINUTE_MS = 60_000;
/** How many minutes' worth may come at once. */
const BURST_MINUTES = 2;
/** How often a job's journal may say that events are refused, in ms. */
const TELL_MS = 60_000;

/** What an event is to its job: `talk` changes nothing, `ask` wants attention, `end` must always get through. */
type Weight = 'talk' | 'ask' | 'end';
const ASKS: readonly string[] = [
  ...['question', 'permission_required', 'permission_resolved', 'turn_ended', 'rate_limited', 'answered'],
];

/** What the publishers of a job may still say now. */
interface Allowance {
  talk: number;
  ask: number;
  /** When it was last computed, on the monotonic clock. */
  at: number;
  toldAt: number;
}

/**
 * Keeps a runaway loop from filling a journal: each job has a bucket that gains so many events a minute and holds two
 * minutes' worth. Talk and questions have one each, so a flood of progress never takes a question's place; what ends a job
 * has no limit.
 */
export class EventRates {
  readonly #perMinute: number;
  readonly #allowances = new WeakMap<LiveJob, Allowance>();

  /** @param perMinute 0 for no limit */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /**
   * Takes an event's share.
   * @param kept it is in the outbox, and its publisher knows that it will be delivered: it is counted, never refused
   * @returns nothing, or why the event is refused, with the next step; `tell` when the journal is to say so
   */
  countEvent(job: LiveJob, type: string, kept: boolean): { why: string; tell: boolean } | undefined {
    const weight = weightOf(job.record, type);
    if (this.#perMinute === 0 || weight === 'end') return undefined;
    const own = this.#reckon(job);
    const full = weight === 'talk' && job.length >= LIMITS.keptEvents;
    if (kept || (!full && own[weight] >= 1)) {
      own[weight] = Math.max(0, own[weight] - 1);
      return undefined;
    }
    const tell = own.at - own.toldAt >= TELL_MS;
    if (tell) own.toldAt = own.at;
    return { why: full ? fullText(job) : this.#fastText(job), tell };
  }

  #reckon(job: LiveJob): Allowance {
    const now = performance.now();
    const most = this.#perMinute * BURST_MINUTES;
    const own = this.#allowances.get(job) ?? { talk: most, ask: most, at: now, toldAt: -Infinity };
    const gained = ((now - own.at) / MINUTE_MS) * this.#perMinute;
    own.talk = Math.min(most, own.talk + gained);
    own.ask = Math.min(most, own.ask + gained);
    own.at = now;
    this.#allowances.set(job, own);
    return own;
  }

  #fastText({ id }: LiveJob): string {
    return `Job ${id} gets more than ${this.#perMinute * BURST_MINUTES} events at once, or ${this.#perMinute} a minute: this one was not recorded. End the loop that sends them, and report a step now and then; completed and error always get through.`;
  }
}

function fullText({ id }: LiveJob): string {
  return `The journal of job ${id} has ${LIMITS.keptEvents} events and takes no more progress: this one was not recorded. Work on, and report only question, completed or error.`;
}

function weightOf({ status, reason, started_at, phase }: JobRecord, type: string): Weight {
  const amendable = status === 'failed' && AMENDABLE.includes(reason ?? '');
  if (isFinal(status) && !amendable) return 'talk';
  // A late one changes nothing, so it would be the first one again and again.
  if (type === 'started') return started_at === undefined && !isFinal(status) ? 'end' : 'talk';
  // While the first one is being checked, a second one changes nothing.
  if (type === 'completed') return phase === 'validating' ? 'ask' : 'end';
  if (type === 'error' || type === 'cancelled') return 'end';
  return ASKS.includes(type) ? 'ask' : 'talk';
}
