import {
  close,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  readFileSync,
  statSync,
  write,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import type { RecordedEvent } from '../job/event.ts';
import { SOURCES } from '../job/words.ts';
import { openOwn, readForeign, readForeignDated } from '../trust/files.ts';
import { type Mark, markOf } from './mark.ts';
import type { OwnPlace } from './own-place.ts';
import type { Seal } from './seal.ts';

const writeFile = promisify(write);
const closeFile = promisify(close);

/**
 * Every write returns when its bytes are on the disk, as with fdatasync after it, for one trip through the thread pool
 * instead of two. For a new file this flushes its entry in the folder as well (ext4, APFS).
 */
const FLAGS = constants.O_APPEND | constants.O_DSYNC;

/** A longer journal is not one of ours, in bytes: a runaway peer is stopped long before. */
const MAX_BYTES = 512 * 1024 * 1024;

/** More of a journal that was removed is not read back, in bytes. */
const RESCUED_BYTES = 8 * 1024 * 1024;

/** A journal that nobody writes to gives its file descriptor back after this time, in ms. */
const IDLE_CLOSE_MS = 5_000;

const NEWLINE = 10;
/** A journal whose last line is not whole is read again so often: a hub may be writing it. */
const READS = 5;

interface Waiting {
  resolve(mark: Mark): void;
  reject(error: unknown): void;
}

/**
 * Appends to one job's journal with group commit: what is appended while a write is under way goes to the disk
 * together in the next one. Measured: 24,000 events a second against 3,800 with a flush for each.
 */
export class Journal {
  path: string;
  private place: OwnPlace | undefined;
  private readonly mayWrite: (isOpen: boolean) => void;
  private isNew: boolean;
  private fd: number | undefined;
  private rescued: string | undefined;
  /** Another file was found in its place. */
  isReplaced = false;
  /** Bytes that are on the disk and acknowledged. */
  private size = 0;
  private batch = '';
  private waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private idle: NodeJS.Timeout | undefined;
  private corked = false;

  /**
   * @param options.place the folder that it lies in
   * @param options.isNew it is to be made; else one that is missing is an error
   * @param options.mayWrite called before each write, with true while the file is open; throws where it must not happen
   */
  constructor(
    path: string,
    options: { place?: OwnPlace; isNew?: boolean; mayWrite?: (isOpen: boolean) => void } = {},
  ) {
    this.path = path;
    this.place = options.place;
    this.isNew = options.isNew ?? false;
    this.mayWrite = options.mayWrite ?? (() => {});
  }

  /**
   * @param line one event as JSON, below 4 KiB
   * @returns when it is on the disk, with the state that the journal has then
   * @throws the system's error when it could not be written; nothing after it in the same batch is acknowledged
   */
  append(line: string): Promise<Mark> {
    // The newline before the line keeps it whole even if a crash left a torn line at the end of the file.
    this.batch += `\n${line}\n`;
    const done = new Promise<Mark>((resolve, reject) => this.waiting.push({ resolve, reject }));
    if (!this.corked) this.flushing ??= this.flush();
    return done;
  }

  /** Holds what is appended from now on until `uncork`, so that it goes to the disk in one write. */
  cork(): void {
    this.corked = true;
  }

  uncork(): void {
    this.corked = false;
    if (this.waiting.length > 0) this.flushing ??= this.flush();
  }

  /** Its folder lies elsewhere now. */
  moveTo(path: string, place: OwnPlace): void {
    this.path = path;
    this.place = place;
  }

  /** Lets go of a file that is not in its place any more. @returns what stands in it, where that can still be read */
  async rescue(): Promise<string | undefined> {
    await this.flushing;
    this.letGo(true);
    const { rescued } = this;
    this.rescued = undefined;
    this.isReplaced = false;
    return rescued;
  }

  /** Waits for what is under way and closes the file. */
  async close(): Promise<void> {
    clearTimeout(this.idle);
    this.uncork();
    await this.flushing;
    await this.release();
  }

  private async flush(): Promise<void> {
    clearTimeout(this.idle);
    // Not in the caller's turn: `flushing` must be set before this can end, and a whole turn's events go together.
    await Promise.resolve();
    while (this.waiting.length > 0 && !this.corked) {
      const bytes = Buffer.from(this.batch);
      const waiting = this.waiting;
      this.batch = '';
      this.waiting = [];
      try {
        this.mayWrite(this.fd !== undefined);
        const fd = this.fd ?? this.open();
        for (let done = 0; done < bytes.length; ) {
          done += (await writeFile(fd, bytes, done, bytes.length - done, null)).bytesWritten;
        }
        const { nlink, mtimeMs, ino } = fstatSync(fd);
        // What was written into a file that has no name any more, nobody will find; nor what is in its place a copy of.
        const there = inodeOf(this.path);
        this.isReplaced = there !== undefined && there !== ino;
        // What was put aside with its folder comes back as a whole.
        const isAlone = there === undefined && this.isFolderThere();
        if (nlink === 0 || this.isReplaced || isAlone)
          throw Object.assign(new Error(`${this.path} was removed`), { code: 'ENOENT' });
        this.isNew = false;
        this.size += bytes.length;
        const mark = markOf(this.size, mtimeMs);
        for (const { resolve } of waiting) resolve(mark);
      } catch (error) {
        this.takeBack();
        this.letGo(this.isReplaced);
        // What was appended since builds on what failed.
        const dependent = this.waiting;
        this.batch = '';
        this.waiting = [];
        for (const { reject } of [...waiting, ...dependent]) reject(error);
      }
    }
    this.flushing = undefined;
    this.idle = setTimeout(() => void this.release().catch(() => {}), IDLE_CLOSE_MS);
    this.idle.unref();
  }

  private open(): number {
    this.place?.check();
    // Opening is quick (40 µs); only what waits for the disk goes to the thread pool.
    this.fd = openOwn(this.path, FLAGS, this.isNew);
    this.size = fstatSync(this.fd).size;
    return this.fd;
  }

  /** False also where something else is in its place, as a link. */
  private isFolderThere(): boolean {
    try {
      this.place?.check();
      return inodeOf(dirname(this.path)) !== undefined;
    } catch {
      return false;
    }
  }

  /** Lets go of a file that was removed, and keeps what stood in it: nobody else can find that any more. */
  private letGo(isMoved = false): void {
    const { fd } = this;
    if (fd === undefined) return;
    try {
      if (!isMoved && fstatSync(fd).nlink > 0) return;
      if (this.size <= RESCUED_BYTES) this.rescued = readFileSync(`/proc/self/fd/${fd}`, 'utf8');
    } catch {
      // Where the system has no such view of open files, memory must do.
    }
    this.fd = undefined;
    closeSync(fd);
  }

  /** A full disk takes a part of a batch: what is refused must not stand in the journal. */
  private takeBack(): void {
    try {
      if (this.fd !== undefined) ftruncateSync(this.fd, this.size);
    } catch {
      // Then the reader decides: whole lines count, a torn one is passed over.
    }
  }

  private async release(): Promise<void> {
    const fd = this.fd;
    if (fd === undefined || this.flushing) return;
    this.fd = undefined;
    await closeFile(fd);
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

export interface JournalContent {
  events: RecordedEvent[];
  /** One sentence for each line that can't be read; the lines stay as they are. */
  damage: string[];
  /** The state that it was read in; absent where there is none. */
  mark: Mark | undefined;
}

/** The text of a journal. @throws the system's error, ELOOP for a link, EFTYPE and EFBIG for what can't be one */
export function journalText(path: string): string {
  return readForeign(path, MAX_BYTES);
}

/**
 * Reads a journal. A missing file is an empty one; a line that is torn, corrupt or not an event is reported and passed
 * over.
 * @param proof only lines that this seal proves to be this job's count
 */
export function readJournal(path: string, proof?: { seal: Seal; jobId: string }): JournalContent {
  const read = readWhole(path);
  if (read === undefined) return { events: [], damage: [], mark: undefined };
  const { text, mark } = read;
  const events: RecordedEvent[] = [];
  const damage: string[] = [];
  let last = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const event = parseLine(line);
    if (event === undefined) {
      damage.push(`Line ${index + 1} of ${path} cannot be read and is passed over.`);
    } else if (proof !== undefined && proof.seal.open(proof.jobId, line) === undefined) {
      damage.push(
        `Line ${index + 1} of ${path} was not written by a hub of this MAM_HOME and is passed over.`,
      );
    } else if (event.seq > last) {
      events.push(event);
      last = event.seq;
    }
  }
  return { events, damage, mark };
}

/** A journal up to the end of a line, also while a hub writes it; one that ends within a line as it is. */
function readWhole(path: string): { text: string; mark: Mark } | undefined {
  let before = -1;
  for (let read = 1; ; read++) {
    let bytes: Buffer;
    let writtenAt: number;
    try {
      ({ bytes, writtenAt } = readForeignDated(path, MAX_BYTES));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    const isTorn = bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE;
    // What has not grown is no line on its way.
    if (!isTorn || bytes.length === before || read === READS)
      return { text: bytes.toString('utf8'), mark: markOf(bytes.length, writtenAt) };
    before = bytes.length;
  }
}

function parseLine(line: string): RecordedEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (!isEvent(value)) return undefined;
    const { mac: _, ...event } = value as RecordedEvent & { mac?: unknown };
    return event;
  } catch {
    return undefined;
  }
}

/**
 * True for what has the fields of an event in their forms; of others a newer version may have more. By hand, because zod
 * would cost every `mam status` 15 ms.
 */
function isEvent(value: unknown): value is RecordedEvent {
  if (!isObject(value)) return false;
  const { seq, writer_seq, source, files, texts, data } = value;
  const isText = (name: string): boolean => typeof value[name] === 'string';
  return (
    Number.isSafeInteger(seq) &&
    (seq as number) > 0 &&
    ['event_id', 'job_id', 'type', 'at', 'recorded_at'].every(isText) &&
    (SOURCES as readonly unknown[]).includes(source) &&
    ['detail', 'result', 'writer'].every((name) => value[name] === undefined || isText(name)) &&
    (writer_seq === undefined || Number.isSafeInteger(writer_seq)) &&
    (files === undefined || (Array.isArray(files) && files.every((file) => typeof file === 'string'))) &&
    (texts === undefined ||
      (isObject(texts) && Object.values(texts).every((hash) => typeof hash === 'string'))) &&
    (data === undefined || isObject(data))
  );
}
