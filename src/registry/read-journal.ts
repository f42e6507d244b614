import { systemCode } from '../base/errors.ts';
import { hasTexts, isObject, isText, mayHaveTexts, parseJson } from '../base/json.ts';
import type { RecordedEvent } from '../job/event.ts';
import { SOURCES } from '../job/words.ts';
import { readForeign, readForeignDated } from '../trust/files.ts';
import { type Mark, markOf } from './mark.ts';
import type { Seal } from './seal.ts';

/** A larger journal is not ours, in bytes: a runaway peer is stopped long before that. */
const MAX_JOURNAL_BYTES = 512 * 1024 * 1024;

const NEWLINE = 10;
/** How often a journal with an incomplete last line is read: a hub may be writing it. */
const READS = 5;

export interface JournalContent {
  events: RecordedEvent[];
  /** One sentence for each unreadable line; the lines stay as they are. */
  damage: string[];
  /** True if the last line has no end. */
  isTorn: boolean;
  /** The state that it was read in; absent if there is no journal. */
  mark: Mark | undefined;
}

/** The text of a journal. @throws the system's error, ELOOP for a link, EFTYPE and EFBIG for what can't be one */
export function journalText(path: string): string {
  return readForeign(path, MAX_JOURNAL_BYTES);
}

/**
 * Reads a journal. A missing file counts as empty; a line that is torn, corrupt or not an event is reported and
 * skipped.
 * @param proof only lines that this seal proves to be this job's count
 */
export function readJournal(path: string, proof?: { seal: Seal; jobId: string }): JournalContent {
  const read = readWhole(path);
  if (read === undefined) return { events: [], damage: [], isTorn: false, mark: undefined };
  const { text, mark } = read;
  const events: RecordedEvent[] = [];
  const damage: string[] = [];
  let last = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const event = parseLine(line);
    if (event === undefined) {
      damage.push(`Line ${index + 1} of ${path} cannot be read and is skipped.`);
    } else if (proof !== undefined && proof.seal.open(proof.jobId, line) === undefined) {
      damage.push(`Line ${index + 1} of ${path} was not written by a hub of this MAM_HOME and is skipped.`);
    } else if (event.seq > last) {
      events.push(event);
      last = event.seq;
    }
  }
  return { events, damage, isTorn: text !== '' && !text.endsWith('\n'), mark };
}

/** A journal up to the end of a line, even while a hub writes it; one that stays torn is returned as it is. */
function readWhole(path: string): { text: string; mark: Mark } | undefined {
  let before = -1;
  for (let read = 1; ; read++) {
    let bytes: Buffer;
    let writtenAt: number;
    try {
      ({ bytes, writtenAt } = readForeignDated(path, MAX_JOURNAL_BYTES));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    const isTorn = bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE;
    // If it has not grown, no line is being written.
    if (!isTorn || bytes.length === before || read === READS)
      return { text: bytes.toString('utf8'), mark: markOf(bytes.length, writtenAt) };
    before = bytes.length;
  }
}

function parseLine(line: string): RecordedEvent | undefined {
  const value = parseJson(line);
  if (!isEvent(value)) return undefined;
  const { mac: _, ...event } = value as RecordedEvent & { mac?: unknown };
  return event;
}

/**
 * True for a value whose fields have the types of an event; a newer version may add other fields. Hand-written, because
 * zod would cost every `mam status` 15 ms.
 */
export function isEvent(value: unknown): value is RecordedEvent {
  if (!hasTexts(value, ['event_id', 'job_id', 'type', 'at', 'recorded_at'])) return false;
  const { seq, writer_seq, source, files, texts, data } = value;
  return (
    Number.isSafeInteger(seq) &&
    (seq as number) > 0 &&
    (SOURCES as readonly unknown[]).includes(source) &&
    mayHaveTexts(value, ['detail', 'result', 'writer']) &&
    (writer_seq === undefined || Number.isSafeInteger(writer_seq)) &&
    (files === undefined || (Array.isArray(files) && files.every(isText))) &&
    (texts === undefined || (isObject(texts) && Object.values(texts).every(isText))) &&
    (data === undefined || isObject(data))
  );
}
