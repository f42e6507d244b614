import { orElse } from '../../base/or-else.ts';
import type { RecordedEvent } from '../../job/event.ts';
import { EventIds } from './event-ids.ts';

/** How many of a job's newest events are kept in memory for waiters that come back. */
const OF_A_JOB = 200;
/** How much the newest events of all jobs may take, in characters; the journals have all events. */
const OF_ALL_CHARS = 4 * 1024 * 1024;
/** What an event takes besides its texts. */
const EVENT_CHARS = 1_000;

/** The newest events of all jobs, the job written to last at the end, and their size in characters. */
const all = new Set<RecentEvents>();
let allChars = 0;

/** The events of one job, by their numbers and ids; the newest of them are in memory. */
export class JobEvents {
  readonly #read: () => readonly RecordedEvent[];
  readonly #ids = new EventIds();
  /** The numbers of events that are still being written, by their ids. */
  readonly #pending = new Map<string, number>();
  readonly #recent = new RecentEvents();
  #length = 0;

  /** @param read returns all events on the disk; it throws when they can't be read */
  constructor(read: () => readonly RecordedEvent[]) {
    this.#read = read;
  }

  /** How many events there are, including those still being written. */
  get length(): number {
    return this.#length;
  }

  /** The newest events on the disk, oldest first. */
  get recent(): readonly RecordedEvent[] {
    return this.#recent.list;
  }

  /** The approximate size of the ids in memory, in bytes. */
  get bytes(): number {
    return this.#ids.bytes;
  }

  /** Takes the events that were just read from the disk. @param seq the last one that counts in the record */
  adopt(events: RecordedEvent[], seq: number): void {
    this.backTo(Math.max(seq, events.at(-1)?.seq ?? 0));
    this.#ids.clear();
    for (const { event_id: id, seq } of events) this.#ids.add(id, seq);
    this.#recent.set(events);
  }

  /** An event is being written. */
  send({ event_id: id, seq }: RecordedEvent): void {
    this.#length = seq;
    this.#pending.set(id, seq);
  }

  /** An event is on the disk. */
  keep(event: RecordedEvent): void {
    this.#pending.delete(event.event_id);
    this.#ids.add(event.event_id, event.seq);
    this.#recent.push(event);
  }

  /** No event is being written any more. */
  backTo(length: number): void {
    this.#length = length;
    this.#pending.clear();
  }

  seqOf(eventId: string): number | undefined {
    const pending = this.#pending.get(eventId);
    if (pending !== undefined) return pending;
    for (const seq of this.#ids.withHashOf(eventId)) if ((this.#idAt(seq) ?? eventId) === eventId) return seq;
    return undefined;
  }

  /** The events on the disk after `seq`, oldest first. */
  after(seq: number): RecordedEvent[] {
    const first = this.recent[0];
    const known = first === undefined || seq + 1 < first.seq ? this.#read() : this.recent;
    return known.filter((event) => event.seq > seq);
  }

  /** Forgets the newest events: they are read again when needed. */
  drop(): void {
    this.#recent.drop(0);
  }

  /** Undefined when the journal can't be read now: then the hash alone decides. */
  #idAt(seq: number): string | undefined {
    const at = (events: readonly RecordedEvent[]) => events.find((event) => event.seq === seq)?.event_id;
    return orElse(() => at(this.recent) ?? at(this.#read()), undefined);
  }
}

/** The newest events of one job, oldest first, as many as the memory for all jobs allows. */
class RecentEvents {
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

/** About the length of an event's journal line; its long texts are elsewhere. */
function sizeOf({ detail = '', result = '', data }: RecordedEvent): number {
  const more = data === undefined ? 0 : JSON.stringify(data).length;
  return EVENT_CHARS + detail.length + result.length + more;
}
