import type { RecordedEvent } from '../../job/event.ts';

/** How many of a job's newest events are kept in memory for waiters that come back. */
const OF_A_JOB = 200;
/** How much those of all jobs may take, in characters; the journals have them all. */
const OF_ALL_CHARS = 4 * 1024 * 1024;
/** What an event takes besides its texts. */
const EVENT_CHARS = 1_000;

/** Those of all jobs, the one that was written to last at the end, and how much they take, in characters. */
const all = new Set<RecentEvents>();
let allChars = 0;

/** The newest events of one job, oldest first, as far as the memory for those of all jobs goes. */
export class RecentEvents {
  #events: RecordedEvent[] = [];
  #chars = 0;

  get list(): readonly RecordedEvent[] {
    return this.#events;
  }

  set(events: RecordedEvent[]): void {
    this.drop(0);
    for (const event of events.slice(-OF_A_JOB)) this.push(event);
  }

  push(event: RecordedEvent): void {
    this.#events.push(event);
    this.#count(sizeOf(event));
    if (this.#events.length > 2 * OF_A_JOB) this.drop(OF_A_JOB);
    all.delete(this);
    all.add(this);
    for (const oldest of all) {
      if (allChars <= OF_ALL_CHARS || oldest === this) break;
      oldest.drop(0);
    }
    if (this.#chars > OF_ALL_CHARS / 4) this.drop(Math.ceil(this.#events.length / 2));
  }

  /** Forgets all but the newest ones. */
  drop(kept: number): void {
    const gone = this.#events.splice(0, this.#events.length - kept);
    this.#count(-gone.reduce((sum, event) => sum + sizeOf(event), 0));
    if (this.#events.length === 0) all.delete(this);
  }

  #count(chars: number): void {
    this.#chars += chars;
    allChars += chars;
  }
}

/** About the length of an event's journal line; its long texts lie elsewhere. */
function sizeOf({ detail = '', result = '', data }: RecordedEvent): number {
  const more = data === undefined ? 0 : JSON.stringify(data).length;
  return EVENT_CHARS + detail.length + result.length + more;
}
