import { existsSync, statSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { apply } from '../../job/apply.ts';
import type { Draft, RecordedEvent } from '../../job/event.ts';
import { historyError } from '../../job/history.ts';
import type { JobRecord } from '../../job/record.ts';
import type { ReplicaState } from '../../job/replica.ts';
import { isFinal } from '../../job/words.ts';
import { type FoldedJob, foldJob, placedIn } from '../../registry/fold.ts';
import { Journal } from '../../registry/journal.ts';
import type { Mark } from '../../registry/mark.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import { hasJob, type JobPaths, jobPaths, registryError } from '../../registry/paths.ts';
import { signerOf } from '../../registry/replica-file.ts';
import type { Seal } from '../../registry/seal.ts';
import { type Line, longLine, shortLine } from '../../registry/texts.ts';
import { isSign, JobClock } from './job-clock.ts';
import { JobEvents } from './job-events.ts';
import { Queue } from './queue.ts';
import { Replica } from './replica.ts';
import { restoreJob } from './restore-job.ts';

/** The size of a job in memory without its events, in bytes. */
const JOB_BYTES = 8_000;
/** The longest time that a job's first events wait to be written together, in ms. */
const CORK_MS = 20;

/** A draft after it was recorded. */
export interface Recorded {
  event: RecordedEvent;
  before: JobRecord | undefined;
  after: JobRecord;
  /** True when an event with this id had been recorded earlier. */
  repeated: boolean;
  /** No event was recorded: something has changed that is this hub's own about the copy of another host's job. */
  home?: true;
}

/**
 * A job in the hub's memory: the only place that writes its journal. `record` is the state on the disk; the head is ahead
 * of it while events are being written, so that each event is applied after all earlier ones.
 */
export class LiveJob {
  paths: JobPaths;
  ground: OwnPlace;
  readonly id: string;
  registryDir: string;
  /** One sentence for each line of the journal that can't be read. */
  damage: string[] = [];
  /** The state of the journal that `record` was folded from. */
  mark: Mark | undefined;
  /** False for a job whose `job.json` was behind its journal when it was read. */
  isWritten = true;
  /** It was not delegated by this home, so nothing in it is obeyed: it came with a clone, or from another home. */
  isHistory = false;
  /** The registry with the original, if this is a copy, which is history as well. */
  copyOf: string | undefined;
  /** The prompt, until it has been handed over; after that it is read from its file when needed. */
  prompt: string | undefined;
  /** Resolves when the job's folder is complete on disk. */
  kept: Promise<void> = Promise.resolve();
  readonly clock = new JobClock();
  /** The inode of its registry's folder: another folder at the same path says nothing about the job. */
  registryInode: number | undefined;
  #head: JobRecord | undefined;
  #durable: JobRecord | undefined;
  /** Of the copy of a job that another host has. */
  #replica: Replica | undefined;
  readonly #events = new JobEvents(() => this.#fold().events);
  readonly #journal: Journal;
  readonly #seal: Seal;
  readonly #mayWrite: ((isOpen: boolean) => void) | undefined;
  /** It accepts no more events, so that it can be removed. */
  isRetired = false;
  /** How many events are being written. */
  #writing = 0;
  /** Settles when the last event is on disk or has failed. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Used while a long event's texts are written: later events queue up here in order. */
  readonly #queue = new Queue();

  /** @param access `mayWrite` throws before a write that must not happen; `isNew`: its files are still to be created */
  constructor(
    registryDir: string,
    id: string,
    seal: Seal,
    access: { mayWrite?: (isOpen: boolean) => void; isNew?: boolean } = {},
  ) {
    this.registryDir = registryDir;
    this.id = id;
    this.paths = jobPaths(registryDir, id);
    this.#seal = seal;
    this.ground = new OwnPlace(this.paths.folder);
    this.#mayWrite = access.mayWrite;
    this.#journal = new Journal(this.paths.journal, { place: this.ground, ...access });
  }

  /** The job's state on the disk, or, while its first event is being written, the state after that event. */
  get record(): JobRecord {
    const record = this.#replica?.record ?? this.#durable ?? this.#head;
    if (record === undefined) throw new MamError('internal', `Job ${this.id} has no record yet.`);
    return record;
  }

  /** Of the copy of a job that another host has: what is this hub's own about it. */
  get replica(): ReplicaState | undefined {
    return this.#replica?.state;
  }

  /** The same with the means to change it. @throws MamError `internal` for a job of this hub's own */
  get ownPart(): Replica {
    if (this.#replica === undefined) throw new MamError('internal', `Job ${this.id} is not a copy.`);
    return this.#replica;
  }

  /** What signs its lines and its record. */
  get signer(): string {
    return signerOf(this.id, this.replica);
  }

  /** Makes it the copy of a job that another host has, of which nothing is known yet. */
  beReplica(state: ReplicaState): Replica {
    return this.#makeReplica(state);
  }

  #makeReplica(state: ReplicaState, read?: { told: JobRecord | undefined }): Replica {
    this.#journal.isCopy = true;
    this.#replica = new Replica(this, state, this.#seal, read);
    return this.#replica;
  }

  /** Makes what was read from the disk the job's state. */
  adopt(folded: FoldedJob): void {
    const { replica } = folded;
    const record = replica === undefined ? folded.record : folded.told;
    this.#head = record;
    this.#durable = record;
    // What a power cut has taken from a copy's journal comes again from its home.
    const length = replica === undefined ? folded.record.seq : 0;
    this.#events.adopt(folded.events, length);
    if (this.#replica !== undefined) this.#replica.show(record);
    else if (replica !== undefined)
      this.#makeReplica(this.#lacksEvents ? incomplete(replica) : replica, { told: record });
    this.damage = folded.damage;
    this.mark = folded.mark;
    this.isWritten = folded.isWritten;
  }

  /** When the last event that counts as activity was recorded. */
  get lastSign(): string {
    return this.#events.recent.findLast(isSign)?.recorded_at ?? this.record.created_at;
  }

  /** Its approximate size in memory without its newest events, in bytes. */
  get weight(): number {
    return JOB_BYTES + this.#events.bytes;
  }

  /** How many events the journal has, including those still being written. */
  get length(): number {
    return this.#events.length;
  }

  /** True when an event with this id is in the journal, or being written. */
  has(eventId: string): boolean {
    return this.#events.seqOf(eventId) !== undefined;
  }

  /** True when only a late report can change the job, after all events so far. */
  get isFinal(): boolean {
    const record = this.#head ?? this.#replica?.record;
    return record !== undefined && isFinal(record.status);
  }

  /**
   * Records an event. Events are numbered in the order of the calls.
   * @returns when the event is on disk
   * @throws MamError `io` when it could not be written; the job is as it was
   */
  append(draft: Draft): Promise<Recorded> {
    if (this.isHistory) return Promise.reject(historyError(this.registryDir, this.id));
    if (this.isRetired) return Promise.reject(new MamError('not_found', `There is no job ${this.id}.`));
    if (this.#replica !== undefined) return this.#replica.note(draft);
    if (this.#queue.isBusy) return this.#queueUp(() => this.#place(draft));
    const known = this.#events.seqOf(draft.event_id);
    if (known !== undefined) return this.#repeat(draft, known);
    const event = this.#number(draft);
    const line = shortLine(event);
    return line === undefined ? this.#queueUp(() => this.#placeLong(event)) : this.#commit(line);
  }

  /**
   * Appends the next event of a copy as its home has recorded it. One that is there already changes nothing; one that is
   * missing from the journal alone, after a power cut, only completes the journal, since everybody knows of it.
   * @returns when it is written
   * @throws MamError `unavailable` if it is not the next one, `bad_input` if it can't be one, `io` when it could not be written
   */
  async follow(event: RecordedEvent): Promise<Recorded> {
    const { ownPart } = this;
    if (this.isRetired) throw new MamError('not_found', `There is no job ${this.id}.`);
    if (event.seq <= this.length) {
      await this.#tail;
      return { event, before: this.record, after: this.record, repeated: true };
    }
    const line = ownPart.next(this.#head, event, this.length);
    const last = this.#head?.seq ?? 0;
    const recorded = await this.#commit({ line, event });
    if (event.seq === last) this.damage = this.#fold().damage;
    return { ...recorded, repeated: event.seq <= last };
  }

  /**
   * Holds the first events back until `uncork`, so that the job's first event and the announcement of the paste go to the
   * disk in one write instead of two.
   */
  cork(): void {
    this.#journal.cork();
    // A tmux server that hangs must not keep a job off the disk.
    setTimeout(() => this.uncork(), CORK_MS).unref();
  }

  uncork(): void {
    this.#journal.uncork();
  }

  /** Settles when the events of a copy are on the disk. @throws the system's error */
  flush(): Promise<void> {
    return this.#journal.flush();
  }

  eventsAfter(seq: number): RecordedEvent[] {
    return seq >= this.record.seq ? [] : this.#events.after(seq);
  }

  /** @returns false when events are being written: then nothing changes */
  retire(): boolean {
    if (this.#writing > 0 || this.#queue.isBusy) return false;
    this.isRetired = true;
    return true;
  }

  /** The last event of a retired job whose folder is gone: it is stored nowhere, but reaches whoever follows the job. */
  endUnkept(draft: Draft): Recorded {
    if (this.#replica !== undefined) return this.#replica.loseUnkept(draft.detail);
    const event = this.#number(draft);
    const before = this.#head;
    const after = apply(before, event);
    this.#head = after;
    this.#durable = after;
    this.#events.send(event);
    return { event, before, after, repeated: false };
  }

  /** False once its journal, which was on the disk, is no longer there. */
  get isThere(): boolean {
    return !this.#isKept || existsSync(this.paths.journal);
  }

  /** Called before a file next to its journal is written. @throws the system's error when that must not happen */
  checkPlace(): void {
    this.#mayWrite?.(false);
    this.ground.check();
  }

  moveTo(registryDir: string): void {
    this.registryDir = registryDir;
    this.paths = jobPaths(registryDir, this.id);
    this.ground = new OwnPlace(this.paths.folder);
    this.#journal.moveTo(this.paths.journal, this.ground);
    if (this.#replica === undefined && this.#head !== undefined)
      this.#head = placedIn(this.#head, registryDir);
    if (this.#replica === undefined && this.#durable !== undefined)
      this.#durable = placedIn(this.#durable, registryDir);
    this.#replica?.show(this.#durable);
  }

  /**
   * How complete the files at its path are, which may be a copy: `whole`, `behind` what was acknowledged, or `gone`;
   * undefined for files that no hub of this home has written, or that can't be read.
   */
  get standing(): 'whole' | 'behind' | 'gone' | undefined {
    if (!this.#isKept) return 'whole';
    if (!hasJob(this.registryDir, this.id)) return existsSync(this.paths.folder) ? undefined : 'gone';
    try {
      const { events } = foldJob(this.registryDir, this.id, this.#seal);
      return (events.at(-1)?.seq ?? 0) >= (this.#durable?.seq ?? 0) ? 'whole' : 'behind';
    } catch {
      return undefined;
    }
  }

  /** True when its journal was found replaced by another file, such as a copy. */
  get isReplaced(): boolean {
    return this.#journal.isReplaced;
  }

  /** Continues in the journal that is at its path now. */
  async reopen(): Promise<void> {
    await this.#journal.rescue();
  }

  /** Recreates its files. @returns and @throws as `restoreJob` */
  async restore(): Promise<string | undefined> {
    const lost = await restoreJob(this, this.#journal, this.#seal, this.#events.recent, this.#replica);
    if (lost !== undefined) this.damage.push(lost);
    return lost;
  }

  /** Waits for writes in progress and closes the journal. */
  async close(): Promise<void> {
    this.#events.drop();
    this.uncork();
    await this.#tail.catch(() => {});
    await this.#replica?.close();
    await this.#journal.close();
  }

  /** Only the numbering queues up; the writes themselves are shared with other events. */
  async #queueUp(work: () => Promise<() => Promise<Recorded>>): Promise<Recorded> {
    const written = await this.#queue.run(work);
    return written();
  }

  async #place(draft: Draft): Promise<() => Promise<Recorded>> {
    const known = this.#events.seqOf(draft.event_id);
    if (known !== undefined) return () => this.#repeat(draft, known);
    const event = this.#number(draft);
    const line = shortLine(event);
    if (line === undefined) return this.#placeLong(event);
    const written = this.#commit(line);
    return () => written;
  }

  async #placeLong(event: RecordedEvent): Promise<() => Promise<Recorded>> {
    let line: Line;
    try {
      this.ground.check();
      // Its texts would recreate a removed folder, without the rest of the job.
      if (this.#durable !== undefined) statSync(this.paths.folder);
      line = await longLine(event, this.paths.texts);
    } catch (error) {
      throw registryError(this.registryDir, error);
    }
    const written = this.#commit(line);
    return () => written;
  }

  #number(draft: Draft): RecordedEvent {
    return {
      seq: this.#events.length + 1,
      recorded_at: new Date().toISOString(),
      ...(this.isFinal && isSign(draft) && { late: true }),
      ...draft,
    };
  }

  async #commit({ line, event }: Line): Promise<Recorded> {
    const before = this.#head;
    const after = before !== undefined && event.seq <= before.seq ? before : apply(before, event);
    this.#head = after;
    this.#events.send(event);
    const written = this.#journal.append(this.#seal.sign(this.signer, line));
    this.#tail = written;
    this.#writing++;
    try {
      this.mark = await written;
    } catch (error) {
      // One reload is enough for all that failed together.
      if (this.#head !== this.#durable) this.#reload();
      throw registryError(this.registryDir, error);
    } finally {
      this.#writing--;
    }
    this.#durable = after;
    this.clock.heard(after, event);
    this.#events.keep(event);
    if (this.#replica !== undefined) return { event, ...this.#replica.show(after), repeated: false };
    return { event, before, after, repeated: false };
  }

  async #repeat(draft: Draft, seq: number): Promise<Recorded> {
    // The first one may still be being written: the second one is not answered before it.
    await this.#tail.catch(() => {});
    if (!this.has(draft.event_id)) return this.append(draft);
    const after = this.record;
    return {
      event: { ...draft, seq, recorded_at: after.last_sign_of_life_at },
      before: after,
      after,
      repeated: true,
    };
  }

  /** After a failed write, the state on the disk counts again. */
  #reload(): void {
    try {
      const folded = this.#fold();
      // The journal, or a part of it, was removed: what was acknowledged counts.
      const isEmpty =
        folded.events.length === 0 && (this.#replica === undefined || folded.mark === undefined);
      if (isEmpty || folded.record.seq < (this.#durable?.seq ?? 0)) throw new Error('cut');
      this.adopt(folded);
    } catch {
      // A job whose first event failed keeps its intended state, for those who still refer to it.
      this.#head = this.#durable ?? (this.#replica === undefined ? this.#head : undefined);
      this.#events.backTo(this.#durable?.seq ?? 0);
    }
  }

  /** True for a copy whose record is ahead of its journal. */
  get #lacksEvents(): boolean {
    return this.length < (this.#head?.seq ?? 0);
  }

  /** True when its journal must be on the disk. */
  get #isKept(): boolean {
    return this.#replica?.isKept ?? this.#durable !== undefined;
  }

  #fold(): FoldedJob {
    return foldJob(this.registryDir, this.id, this.isHistory ? undefined : this.#seal);
  }
}

/** The state of a copy that lacks events: they are asked for, also if nothing was missing before. */
function incomplete(state: ReplicaState): ReplicaState {
  return state.state === 'ended' ? { ...state, state: 'following' } : state;
}
