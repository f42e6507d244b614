import { awake, monotonic } from '../../base/awake.ts';
import type { RecordedEvent } from '../../job/event.ts';
import type { JobRecord } from '../../job/record.ts';
import { bootId } from '../../registry/lock.ts';

/** Events that say that someone has looked at the job or its folder, was notified or is needed, or what was used. */
const NO_SIGNS: readonly string[] = [
  ...[
    'verified',
    'merged',
    'discarded',
    'notified',
    'looked',
    'session_ended',
    'blocked',
    'unblocked',
    'changes',
    'overlaps',
  ],
  ...['conversation', 'usage'],
];

/** A snapshot of a job's clocks for the next hub: the wall clock may be set meanwhile. */
export interface ClockMark {
  boot: string;
  /** When the snapshot was taken, in ms: by the monotonic clock, and by the wall clock. */
  mono: number;
  wall: number;
  /** The time since the submission and since the last event, in ms. */
  spent?: number | undefined;
  quiet: number;
}

/** The clocks of a job. They run on the clock of all time limits. */
export class JobClock {
  /** When the last event was recorded, on the clock of all time limits. */
  spokenAt = awake.now();
  /** When the peer, or a person at its pane, was last active, on the clock of all time limits. */
  livedAt = awake.now();
  #begun: number | undefined;
  #made = awake.now();

  /** The time since the submission, in ms; undefined before it. */
  get spent(): number | undefined {
    return this.#begun === undefined ? undefined : awake.now() - this.#begun;
  }

  /** The time since the last event, in ms. */
  get quiet(): number {
    return awake.now() - this.spokenAt;
  }

  /** The time since the delegation, in ms; for a job that was prepared, since the start of its agent. */
  get age(): number {
    return awake.now() - this.#made;
  }

  heard(record: JobRecord, event: RecordedEvent): void {
    if (isSign(event)) this.spokenAt = awake.now();
    if (event.type === 'starting') this.#made = awake.now();
    if (event.source !== 'hub' && event.source !== 'supervisor') this.livedAt = awake.now();
    if (record.submitted_at !== undefined) this.#begun ??= awake.now();
  }

  /**
   * Continues the clocks of a job that an earlier hub left.
   * @param lastAt when its last event was recorded, ISO 8601
   * @param mark that hub's snapshot; without it, only the wall clock is known
   */
  resume(record: JobRecord, lastAt: string, mark: ClockMark | undefined): void {
    const known = mark?.boot === bootId() ? mark : undefined;
    const { submitted_at: submitted, last_sign_of_life_at: livedAt } = record;
    const madeAt = record.starting_at ?? record.created_at;
    const now = awake.now();
    this.#begun = submitted === undefined ? undefined : now - since(submitted, known, known?.spent);
    const isOlder = known !== undefined && Date.parse(lastAt) < known.wall;
    this.spokenAt = now - since(lastAt, known, isOlder ? known.quiet : undefined);
    this.livedAt = now - since(livedAt);
    this.#made = now - since(madeAt);
  }

  mark(): ClockMark {
    return { boot: bootId(), mono: monotonic(), wall: Date.now(), spent: this.spent, quiet: this.quiet };
  }
}

/**
 * How long ago something happened, in ms.
 * @param at by the wall clock of that time
 * @param before how long ago it was when the mark was taken; absent when it happened after that
 */
function since(at: string, mark?: ClockMark, before?: number): number {
  // A time in the future: the clock was set back, and how much has passed is not known.
  if (mark === undefined) return Math.max(0, Date.now() - Date.parse(at));
  const passed = Math.max(0, monotonic() - mark.mono);
  if (before !== undefined) return before + passed;
  // While a hub ran, it took a new mark whenever the clock was set.
  return passed - Math.min(passed, Math.max(0, Date.parse(at) - mark.wall));
}

/** False for those: they are no activity, and never late. */
export function isSign({ type }: Pick<RecordedEvent, 'type'>): boolean {
  return !NO_SIGNS.includes(type);
}
