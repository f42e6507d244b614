import { existsSync, renameSync, statSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import { apply } from '../../job/apply.ts';
import type { Draft, RecordedEvent } from '../../job/event.ts';
import { historyError } from '../../job/history.ts';
import { type JobRecord, recordSchema } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { writeDurably, writeNew } from '../../registry/files.ts';
import { type FoldedJob, foldJob, placedIn } from '../../registry/fold.ts';
import { asHistory, copyError, foldProven } from '../../registry/history.ts';
import { Journal, readJournal } from '../../registry/journal.ts';
import { keptText } from '../../registry/last-texts.ts';
import type { Mark } from '../../registry/mark.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import { hasJob, type JobPaths, jobPaths, registryError } from '../../registry/paths.ts';
import { recordText } from '../../registry/record-file.ts';
import type { Seal } from '../../registry/seal.ts';
import { type Line, longLine, restoreTexts, shortLine } from '../../registry/texts.ts';
import { EventIds } from './event-ids.ts';
import { type ClockMark, isSign, JobClock } from './job-clock.ts';
import { RecentEvents } from './recent-events.ts';

/** What a job takes in memory beside its events, in bytes. */
const JOB_BYTES = 8_000;
/** The longest time that a job's first events wait for each other, in ms. */
const CORK_MS = 20;

/** How a job's files may be written. */
interface Access {
  mayWrite?: (isOpen: boolean) => void;
  isNew?: boolean;
}

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
  /** Its two clocks. */
  readonly clock = new JobClock();
  /** Of the registry's folder that it lies in: another folder in its place says nothing of the job. */
  registryInode: number | undefined;
  #head: JobRecord | undefined;
  #durable: JobRecord | undefined;
  #lastSeq = 0;
  readonly #ids = new EventIds();
  /** The numbers of events that are on their way to the disk, by their ids. */
  readonly #onTheirWay = new Map<string, number>();
  readonly #recent = new RecentEvents();
  readonly #journal: Journal;
  readonly #seal: Seal;
  readonly #mayWrite: ((isOpen: boolean) => void) | undefined;
  /** Events on their way to the disk. */
  #writing = 0;
  #retired = false;
  /** Settles when the last event given is on disk or has failed. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Set while a long event's texts are written: what comes after it queues up here, in its order. */
  #behind: Promise<unknown> | undefined;

  /** @param access `mayWrite` throws before a write that must not happen; `isNew`: its files are to be made */
  constructor(registryDir: string, id: string, paths: JobPaths, seal: Seal, access: Access = {}) {
    this.registryDir = registryDir;
    this.id = id;
    this.paths = paths;
    this.#seal = seal;
    this.ground = new OwnPlace(paths.folder);
    this.#mayWrite = access.mayWrite;
    this.#journal = new Journal(paths.journal, { place: this.ground, ...access });
  }

  /**
   * A job that is on disk. One that no hub of this home has delegated is history: it can be looked at, and nothing more.
   * @param mark how far an earlier hub saw its clocks
   * @param originalOf the registry of the job that it is a copy of, if it is one
   * @throws MamError as `foldJob`; `unavailable` for a record that does not fit
   */
  static load(
    registryDir: string,
    id: string,
    seal: Seal,
    {
      mark,
      originalOf = () => undefined,
      ...access
    }: Access & { mark?: ClockMark | undefined; originalOf?: (job: FoldedJob) => string | undefined } = {},
  ): LiveJob {
    const job = new LiveJob(registryDir, id, jobPaths(registryDir, id), seal, access);
    const { folded, isProven } = foldProven(registryDir, id, seal);
    checkRecord(folded);
    job.copyOf = isProven ? originalOf(folded) : undefined;
    job.isHistory = !isProven || job.copyOf !== undefined;
    if (!job.isHistory) {
      job.#checkGround();
      job.#adopt(folded);
      job.clock.resume(folded.record, job.#lastSign, mark);
      return job;
    }
    // Nothing is attached to a pane that a stranger names.
    const { agent_session: _, agent_process: __, ...record } = folded.record;
    const why =
      job.copyOf === undefined ? historyError(registryDir, id) : copyError(registryDir, id, job.copyOf);
    job.#adopt(asHistory({ ...folded, record }, why));
    return job;
  }

  /** @throws MamError `io` where its folder is another one, or a link */
  #checkGround(): void {
    try {
      this.ground.check();
    } catch (error) {
      throw registryError(this.registryDir, error);
    }
  }

  /** The job's state as the disk holds it; of a job whose very first event is on its way there, that event's. */
  get record(): JobRecord {
    const record = this.#durable ?? this.#head;
    if (record === undefined) throw new MamError('internal', `Job ${this.id} has no record yet.`);
    return record;
  }

  /** When the last event was recorded that counts against silence. */
  get #lastSign(): string {
    return this.#recent.list.findLast(isSign)?.recorded_at ?? this.record.created_at;
  }

  /** About what it takes in memory beside its newest events, in bytes. */
  get weight(): number {
    return JOB_BYTES + this.#ids.bytes;
  }

  /** How many events the journal has, those on their way to the disk counted. */
  get length(): number {
    return this.#lastSeq;
  }

  /** True when an event with this id has its place in the journal. */
  has(eventId: string): boolean {
    return this.#seqOf(eventId) !== undefined;
  }

  /** True when nothing but a late report can change the job, all given events counted. */
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
    if (this.#retired) return Promise.reject(new MamError('not_found', `There is no job ${this.id}.`));
    if (this.#behind !== undefined) return this.#queueUp(() => this.#place(draft));
    const known = this.#seqOf(draft.event_id);
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
    if (seq >= this.record.seq) return [];
    const first = this.#recent.list[0];
    if (first === undefined || seq + 1 < first.seq) return this.#fold().events.filter((e) => e.seq > seq);
    return this.#recent.list.filter((event) => event.seq > seq);
  }

  /**
   * Takes no more events, so that the job can be removed.
   * @returns false when some are on their way to the disk: then it stays as it is
   */
  retire(): boolean {
    if (this.#writing > 0 || this.#behind !== undefined) return false;
    this.#retired = true;
    return true;
  }

  /** True for a job that takes no more events. */
  get isRetired(): boolean {
    return this.#retired;
  }

  /** The last event of a retired job whose folder is gone: nothing keeps it, but whoever follows the job hears of it. */
  endUnkept(draft: Draft): Recorded {
    const event = this.#number(draft);
    const before = this.#head;
    const after = apply(before, event);
    this.#head = after;
    this.#durable = after;
    this.#lastSeq = event.seq;
    return { event, before, after, repeated: false };
  }

  /** False once its journal, which was on the disk, has no place there any more. */
  get isThere(): boolean {
    return this.#durable === undefined || existsSync(this.paths.journal);
  }

  /** Before a file of it is written beside its journal. @throws the system's error where that must not happen */
  checkPlace(): void {
    this.#mayWrite?.(false);
    this.ground.check();
  }

  /** Follows its registry, which lies elsewhere now. */
  moveTo(registryDir: string): void {
    this.registryDir = registryDir;
    this.paths = jobPaths(registryDir, this.id);
    this.ground = new OwnPlace(this.paths.folder);
    this.#journal.moveTo(this.paths.journal, this.ground);
    if (this.#head !== undefined) this.#head = placedIn(this.#head, registryDir);
    if (this.#durable !== undefined) this.#durable = placedIn(this.#durable, registryDir);
  }

  /**
   * How much of it the files have that stand in its place now, which may be a copy: `whole`, `behind` what was
   * acknowledged, or `gone`; nothing for what no hub of this home has written, or can't be read.
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

  /** Writes on in the journal that stands in its place now. */
  async reopen(): Promise<void> {
    await this.#journal.rescue();
  }

  /**
   * Makes its files anew that somebody has removed, or has put a copy in the place of, from what is known of it.
   * @returns what could not be restored, as a sentence
   * @throws the system's error
   */
  async restore(): Promise<string | undefined> {
    const { paths } = this;
    const prompt = this.prompt ?? keptText(this.record.prompt_sha256);
    makeFolder(paths.folder);
    // Never through a link that was put in its place.
    this.ground.check();
    const rescued = await this.#journal.rescue();
    const text = rescued ?? this.#remembered();
    // A journal without its beginning counts from the record on.
    await writeDurably(paths.record, recordText(this.record, this.#seal));
    const isTaskLost = !existsSync(paths.prompt) && prompt === undefined;
    if (prompt !== undefined && !existsSync(paths.prompt)) await writeNew(paths.prompt, prompt);
    await writeDurably(paths.journal, text);
    const texts = await restoreTexts(this.#recent.list, paths.texts);
    const lost = [isTaskLost ? ['its task'] : [], texts > 0 ? [`${texts} of its long texts`] : []].flat();
    if (lost.length === 0) return undefined;
    const sentence = `The files of ${this.id} were removed: ${lost.join(' and ')} could not be restored.`;
    this.damage.push(sentence);
    return sentence;
  }

  /** The lines that stand in its place, and those of the newest events that they lack. */
  #remembered(): string {
    const there = readJournal(this.paths.journal, { seal: this.#seal, jobId: this.id }).events;
    const first = this.#recent.list[0]?.seq ?? 1;
    const last = there.at(-1)?.seq ?? 0;
    // With a gap they would tell another story than the record.
    const isGap = last > 0 && last + 1 < first;
    if (isGap) renameSync(this.paths.journal, `${this.paths.journal}.to-${last}`);
    const kept = isGap ? [] : there.filter(({ seq }) => seq < first);
    const lines = [...kept, ...this.#recent.list].map((event) =>
      this.#seal.sign(this.id, JSON.stringify(event)),
    );
    return lines.map((line) => `\n${line}\n`).join('');
  }

  /** It could not be removed. */
  unretire(): void {
    this.#retired = false;
  }

  /** Waits for what is under way and closes the journal. */
  async close(): Promise<void> {
    this.#recent.drop(0);
    this.uncork();
    await this.#tail.catch(() => {});
    await this.#journal.close();
  }

  /** Runs after everything that queued up before. */
  #queueUp(work: () => Promise<() => Promise<Recorded>>): Promise<Recorded> {
    // Only the placing queues up; the trip to the disk is shared with others.
    const placed = (this.#behind ?? Promise.resolve()).then(work);
    const settled = placed.then(
      () => {},
      () => {},
    );
    this.#behind = settled;
    void settled.then(() => {
      if (this.#behind === settled) this.#behind = undefined;
    });
    return placed.then((written) => written());
  }

  async #place(draft: Draft): Promise<() => Promise<Recorded>> {
    const known = this.#seqOf(draft.event_id);
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
      // Its texts would make a folder anew that somebody has removed, without the rest of the job.
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
      seq: this.#lastSeq + 1,
      recorded_at: new Date().toISOString(),
      ...(this.isFinal && isSign(draft) && { late: true }),
      ...draft,
    };
  }

  async #commit({ line, event }: Line): Promise<Recorded> {
    const before = this.#head;
    const after = apply(before, event);
    this.#head = after;
    this.#lastSeq = event.seq;
    this.#onTheirWay.set(event.event_id, event.seq);
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
    this.#onTheirWay.delete(event.event_id);
    this.#ids.add(event.event_id, event.seq);
    this.clock.heard(after, event);
    this.#recent.push(event);
    return { event, before, after, repeated: false };
  }

  /** The number of the event with this id, if there is one. */
  #seqOf(eventId: string): number | undefined {
    const onItsWay = this.#onTheirWay.get(eventId);
    if (onItsWay !== undefined) return onItsWay;
    for (const seq of this.#ids.withHashOf(eventId)) if ((this.#idAt(seq) ?? eventId) === eventId) return seq;
    return undefined;
  }

  /** Nothing where the journal can't be read now: then the hash alone must do. */
  #idAt(seq: number): string | undefined {
    const at = (events: readonly RecordedEvent[]) => events.find((event) => event.seq === seq)?.event_id;
    try {
      return at(this.#recent.list) ?? at(this.#fold().events);
    } catch {
      return undefined;
    }
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
      // Somebody has removed the journal, or a part of it: what was acknowledged counts.
      if (folded.events.length === 0 || folded.record.seq < (this.#durable?.seq ?? 0)) throw new Error('cut');
      this.#adopt(folded);
    } catch {
      // A job whose first event failed keeps what it was to be, for those who still hold it.
      this.#head = this.#durable ?? this.#head;
      this.#lastSeq = this.#durable?.seq ?? 0;
      this.#onTheirWay.clear();
    }
  }

  #fold(): FoldedJob {
    return foldJob(this.registryDir, this.id, this.isHistory ? undefined : this.#seal);
  }

  #adopt(folded: FoldedJob): void {
    this.#head = folded.record;
    this.#durable = folded.record;
    this.#lastSeq = Math.max(folded.record.seq, folded.events.at(-1)?.seq ?? 0);
    this.#onTheirWay.clear();
    this.#ids.clear();
    for (const { event_id: id, seq } of folded.events) this.#ids.add(id, seq);
    this.#recent.set(folded.events);
    this.damage = folded.damage;
    this.mark = folded.mark;
    this.isWritten = folded.isWritten;
  }
}

/** @throws MamError `unavailable` for a record that the rest of the hub could not work with */
function checkRecord({ record, paths }: FoldedJob): void {
  const parsed = recordSchema.safeParse(record);
  if (parsed.success) return;
  throw new MamError(
    'unavailable',
    `The record of job ${record.job_id} does not fit: ${parsed.error.issues[0]?.path.join('.') ?? 'unknown field'}.`,
    `Restore ${paths.journal} from a backup, or move the folder ${paths.folder} away.`,
  );
}
