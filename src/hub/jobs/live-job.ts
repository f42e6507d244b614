import { existsSync, statSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { apply } from '../../job/apply.ts';
import type { Draft, RecordedEvent } from '../../job/event.ts';
import { historyError } from '../../job/history.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { type FoldedJob, foldJob, placedIn } from '../../registry/fold.ts';
import { Journal } from '../../registry/journal.ts';
import type { Mark } from '../../registry/mark.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import { hasJob, type JobPaths, jobPaths, registryError } from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import { type Line, longLine, shortLine } from '../../registry/texts.ts';
import { isSign, JobClock } from './job-clock.ts';
import { JobEvents } from './job-events.ts';
import { Queue } from './queue.ts';
import { restoreJob } from './restore-job.ts';

/** What a job takes in memory besides its events, in bytes. */
const JOB_BYTES = 8_000;
/** The longest time that a job's first events wait for each other, in ms. */
const CORK_MS = 20;

/** What became of a draft. */
export interface Recorded {
  event: RecordedEvent;
  before: JobRecord | undefined;
  after: JobRecord;
  /** True when an event with this id had been recorded earlier. */
  repeated: boolean;
}

/**
 * A job in the hub's memory: the only place that writes its journal. `record` is what the disk holds; the head runs
 * ahead of it while events are on their way there, so that each is judged by all that came before it.
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
  /** No hub of this home has delegated it, so nothing of it is obeyed: it came with a clone, or from another home. */
  isHistory = false;
  /** The registry in which the job itself is, of which this is a copy: it is history as well. */
  copyOf: string | undefined;
  /** The prompt, until it has been handed over; then it is read from its file where it is needed. */
  prompt: string | undefined;
  /** Resolves when the job's folder is complete on disk. */
  kept: Promise<void> = Promise.resolve();
  readonly clock = new JobClock();
  /** The inode of its registry's folder: another folder in that place says nothing about the job. */
  registryInode: number | undefined;
  #head: JobRecord | undefined;
  #durable: JobRecord | undefined;
  readonly #events = new JobEvents(() => this.#fold().events);
  readonly #journal: Journal;
  readonly #seal: Seal;
  readonly #mayWrite: ((isOpen: boolean) => void) | undefined;
  /** It takes no more events, so that it can be removed. */
  isRetired = false;
  /** Events on their way to the disk. */
  #writing = 0;
  /** Settles when the last event given is on disk or has failed. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Used while a long event's texts are written: what comes after it queues up here, in its order. */
  readonly #queue = new Queue();

  /** @param access `mayWrite` throws before a write that must not happen; `isNew`: its files are to be made */
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

  /** The job's state as the disk holds it; of a job whose very first event is on its way there, that event's. */
  get record(): JobRecord {
    const record = this.#durable ?? this.#head;
    if (record === undefined) throw new MamError('internal', `Job ${this.id} has no record yet.`);
    return record;
  }

  /** Takes what was read from the disk for what is true. */
  adopt(folded: FoldedJob): void {
    this.#head = folded.record;
    this.#durable = folded.record;
    this.#events.adopt(folded.events, folded.record.seq);
    this.damage = folded.damage;
    this.mark = folded.mark;
    this.isWritten = folded.isWritten;
  }

  /** When the last event was recorded that counts against silence. */
  get lastSign(): string {
    return this.#events.recent.findLast(isSign)?.recorded_at ?? this.record.created_at;
  }

  /** About what it takes in memory besides its newest events, in bytes. */
  get weight(): number {
    return JOB_BYTES + this.#events.bytes;
  }

  /** How many events the journal has, those on their way to the disk counted. */
  get length(): number {
    return this.#events.length;
  }

  /** True when an event with this id has its place in the journal. */
  has(eventId: string): boolean {
    return this.#events.seqOf(eventId) !== undefined;
  }

  /** True when only a late report can change the job, all given events counted. */
  get isFinal(): boolean {
    return this.#head !== undefined && isFinal(this.#head.status);
  }

  /**
   * Records an event. Events get their order in the order of the calls.
   * @returns when the event is on disk
   * @throws MamError `io` when it could not be written; the job is as it was
   */
  append(draft: Draft): Promise<Recorded> {
    if (this.isHistory) return Promise.reject(historyError(this.registryDir, this.id));
    if (this.isRetired) return Promise.reject(new MamError('not_found', `There is no job ${this.id}.`));
    if (this.#queue.isBusy) return this.#queueUp(() => this.#place(draft));
    const known = this.#events.seqOf(draft.event_id);
    if (known !== undefined) return this.#repeat(draft, known);
    const event = this.#number(draft);
    const line = shortLine(event);
    return line === undefined ? this.#queueUp(() => this.#placeLong(event)) : this.#commit(line);
  }

  /**
   * Holds the first events back until `uncork`: the announcement of the paste then goes to the disk together with the
   * job's beginning, in one write instead of two.
   */
  cork(): void {
    this.#journal.cork();
    // A tmux server that hangs must not keep a job off the disk.
    setTimeout(() => this.uncork(), CORK_MS).unref();
  }

  uncork(): void {
    this.#journal.uncork();
  }

  /** The recorded events after `seq`, oldest first. */
  eventsAfter(seq: number): RecordedEvent[] {
    return seq >= this.record.seq ? [] : this.#events.after(seq);
  }

  /** @returns false when events are on their way to the disk: then it stays as it is */
  retire(): boolean {
    if (this.#writing > 0 || this.#queue.isBusy) return false;
    this.isRetired = true;
    return true;
  }

  /** The last event of a retired job whose folder is gone: nothing keeps it, but it reaches whoever follows the job. */
  endUnkept(draft: Draft): Recorded {
    const event = this.#number(draft);
    const before = this.#head;
    const after = apply(before, event);
    this.#head = after;
    this.#durable = after;
    this.#events.send(event);
    return { event, before, after, repeated: false };
  }

  /** False once its journal, which was on the disk, has no place there any more. */
  get isThere(): boolean {
    return this.#durable === undefined || existsSync(this.paths.journal);
  }

  /** Before a file next to its journal is written. @throws the system's error where that must not happen */
  checkPlace(): void {
    this.#mayWrite?.(false);
    this.ground.check();
  }

  /** Its registry has moved. */
  moveTo(registryDir: string): void {
    this.registryDir = registryDir;
    this.paths = jobPaths(registryDir, this.id);
    this.ground = new OwnPlace(this.paths.folder);
    this.#journal.moveTo(this.paths.journal, this.ground);
    if (this.#head !== undefined) this.#head = placedIn(this.#head, registryDir);
    if (this.#durable !== undefined) this.#durable = placedIn(this.#durable, registryDir);
  }

  /**
   * How much of it the files in its place have, which may be a copy: `whole`, `behind` what was acknowledged, or `gone`;
   * nothing for what no hub of this home has written, or can't be read.
   */
  get standing(): 'whole' | 'behind' | 'gone' | undefined {
    if (this.#durable === undefined) return 'whole';
    if (!hasJob(this.registryDir, this.id)) return existsSync(this.paths.folder) ? undefined : 'gone';
    try {
      const { events } = foldJob(this.registryDir, this.id, this.#seal);
      return (events.at(-1)?.seq ?? 0) >= this.#durable.seq ? 'whole' : 'behind';
    } catch {
      return undefined;
    }
  }

  /** True when its journal was found replaced by another file, such as a copy. */
  get isReplaced(): boolean {
    return this.#journal.isReplaced;
  }

  /** Writes on in the journal that is in its place now. */
  async reopen(): Promise<void> {
    await this.#journal.rescue();
  }

  /** Makes its files anew. @returns and @throws as `restoreJob` */
  async restore(): Promise<string | undefined> {
    const lost = await restoreJob(this, this.#journal, this.#seal, this.#events.recent);
    if (lost !== undefined) this.damage.push(lost);
    return lost;
  }

  /** Waits for what is under way and closes the journal. */
  async close(): Promise<void> {
    this.#events.drop();
    this.uncork();
    await this.#tail.catch(() => {});
    await this.#journal.close();
  }

  /** Only the placing queues up; the trip to the disk is shared with others. */
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
      // Its texts would make a folder anew that was removed, without the rest of the job.
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
    const after = apply(before, event);
    this.#head = after;
    this.#events.send(event);
    const written = this.#journal.append(this.#seal.sign(this.id, line));
    this.#tail = written;
    this.#writing++;
    try {
      this.mark = await written;
    } catch (error) {
      // One look serves all that failed together.
      if (this.#head !== this.#durable) this.#reload();
      throw registryError(this.registryDir, error);
    } finally {
      this.#writing--;
    }
    this.#durable = after;
    this.clock.heard(after, event);
    this.#events.keep(event);
    return { event, before, after, repeated: false };
  }

  async #repeat(draft: Draft, seq: number): Promise<Recorded> {
    // The first arrival may still be on its way to the disk: the second is answered no earlier.
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

  /** After a failed write: what the disk holds is the truth again. */
  #reload(): void {
    try {
      const folded = this.#fold();
      // The journal, or a part of it, was removed: what was acknowledged counts.
      if (folded.events.length === 0 || folded.record.seq < (this.#durable?.seq ?? 0)) throw new Error('cut');
      this.adopt(folded);
    } catch {
      // A job whose first event failed keeps what it was to be, for those who still hold it.
      this.#head = this.#durable ?? this.#head;
      this.#events.backTo(this.#durable?.seq ?? 0);
    }
  }

  #fold(): FoldedJob {
    return foldJob(this.registryDir, this.id, this.isHistory ? undefined : this.#seal);
  }
}
