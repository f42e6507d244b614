import { LIMITS } from '../../job/limits.ts';
import type { JobRecord } from '../../job/record.ts';
import { AMENDABLE, isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

const MINUTE_MS = 60_000;
/** How many minutes' worth may come at once. */
const BURST_MINUTES = 2;
/** How often a job's journal may say that events are refused, in ms. */
const RECORD_REFUSAL_MS = 60_000;

/** How important an event is: `talk` changes nothing, `ask` needs attention, `end` must always get through. */
type Weight = 'talk' | 'ask' | 'end';
const ASKS: readonly string[] = [
  ...['question', 'permission_required', 'permission_resolved', 'turn_ended', 'rate_limited', 'answered'],
];

/** How many events the publishers of a job may still send now. */
interface Allowance {
  talk: number;
  ask: number;
  /** When it was last computed, on the monotonic clock. */
  at: number;
  /** When the journal last said that events are refused. */
  recordedAt: number;
}

/**
 * Keeps a runaway loop from filling a journal: a token bucket per job gains a number of events a minute and holds two
 * minutes' worth. Talk and questions have separate buckets, so a flood of progress never displaces a question; events that
 * end a job have no limit.
 */
export class EventRates {
  readonly #perMinute: number;
  readonly #allowances = new WeakMap<LiveJob, Allowance>();

  /** @param perMinute 0 for no limit */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /**
   * Counts an event.
   * @param kept it is in the outbox, and its publisher was told that it will be delivered: it is counted, never refused
   * @returns undefined, or why the event is refused, with the next step; `tell` when the journal must say so
   */
  countEvent(job: LiveJob, type: string, kept: boolean): { why: string; tell: boolean } | undefined {
    const weight = weightOf(job.record, type);
    if (this.#perMinute === 0 || weight === 'end') return undefined;
    const own = this.#refill(job);
    const full = weight === 'talk' && job.length >= LIMITS.keptEvents;
    if (kept || (!full && own[weight] >= 1)) {
      own[weight] = Math.max(0, own[weight] - 1);
      return undefined;
    }
    const tell = own.at - own.recordedAt >= RECORD_REFUSAL_MS;
    if (tell) own.recordedAt = own.at;
    return { why: full ? fullText(job) : this.#fastText(job), tell };
  }

  #refill(job: LiveJob): Allowance {
    const now = performance.now();
    const most = this.#perMinute * BURST_MINUTES;
    const own = this.#allowances.get(job) ?? { talk: most, ask: most, at: now, recordedAt: -Infinity };
    const gained = ((now - own.at) / MINUTE_MS) * this.#perMinute;
    own.talk = Math.min(most, own.talk + gained);
    own.ask = Math.min(most, own.ask + gained);
    own.at = now;
    this.#allowances.set(job, own);
    return own;
  }

  #fastText({ id }: LiveJob): string {
    return `Job ${id} is getting more than ${this.#perMinute * BURST_MINUTES} events at once, or ${this.#perMinute} a minute: this one was not recorded. End the loop that sends them, and report progress only now and then; completed and error always get through.`;
  }
}

function fullText({ id }: LiveJob): string {
  return `The journal of job ${id} has ${LIMITS.keptEvents} events and takes no more progress: this one was not recorded. Continue the work, and report only question, completed or error.`;
}

function weightOf({ status, reason, started_at, phase }: JobRecord, type: string): Weight {
  const amendable = status === 'failed' && AMENDABLE.includes(reason ?? '');
  if (isFinal(status) && !amendable) return 'talk';
  // On a final job `started` changes nothing, so each one would count as the first.
  if (type === 'started') return started_at === undefined && !isFinal(status) ? 'end' : 'talk';
  // While the first one is being checked, a second one changes nothing.
  if (type === 'completed') return phase === 'validating' ? 'ask' : 'end';
  if (type === 'error' || type === 'cancelled') return 'end';
  return ASKS.includes(type) ? 'ask' : 'talk';
}
