import { join } from 'node:path';
import { orElse } from '../../../base/or-else.ts';
import type { RecordedEvent } from '../../../job/event.ts';
import { LIMITS } from '../../../job/limits.ts';
import type { JobRecord } from '../../../job/record.ts';
import { readText } from '../../../registry/texts.ts';
import { readForeign } from '../../../trust/files.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Outlets } from '../../notify/outlets.ts';
import { PAGE_BYTES } from '../wire/messages.ts';
import type { AskParams } from './ask-params.ts';

/** How much of a page its record may take, in bytes: the delegator has the whole one from the events. */
const RECORD_BYTES = 16 * 1024;
/** The longest text that is handed over, in bytes: the log of a check may be longer, and its end counts. */
const TEXT_BYTES = 4 * LIMITS.resultBytes;

/** A record as other hosts get it: without what only this hub needs, and short enough for a message. */
export function recordFor(record: JobRecord): JobRecord {
  const { typing: _, agent_process: __, notify: ___, notifying: ____, ...rest } = record;
  const { path: _____, path_sha256: ______, virtual_env: _______, ...validation } = rest.validation ?? {};
  let sent: JobRecord = rest;
  if (rest.validation !== undefined) sent = { ...sent, validation: validation as JobRecord['validation'] };
  for (const shorten of [withoutFiles, withoutMessages, withoutRequests]) {
    if (bytesOf(sent) <= RECORD_BYTES) return sent;
    sent = shorten(sent);
  }
  return sent;
}

function withoutFiles({ files: _, ...record }: JobRecord): JobRecord {
  return record;
}

function withoutMessages({ messages_given: _, ...record }: JobRecord): JobRecord {
  return { ...record, messages: [] };
}

/** The last request is the one that is open, if any is. */
function withoutRequests(record: JobRecord): JobRecord {
  return { ...record, requests: record.requests.slice(-1) };
}

/** The size of a value in a message, in bytes. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** As many items as fit, from the first on, and at least one. @param room in bytes */
export function fitting<T>(items: readonly T[], room: number): T[] {
  let left = room;
  const end = items.findIndex((item, place) => {
    left -= bytesOf(item) + 1;
    return left < 0 && place > 0;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}

export interface EventsPage {
  record: JobRecord;
  /** As they are in the journal, oldest first. */
  events: RecordedEvent[];
  /** True if there are later ones. */
  more: boolean;
}

/** The events of a job after a number, as many as one message carries. */
export function eventsPage(job: LiveJob, after: number): EventsPage {
  const record = recordFor(job.record);
  const all = job.eventsAfter(after);
  const events = fitting(all, PAGE_BYTES - bytesOf(record));
  return { record, events, more: events.length < all.length };
}

export interface TextPage {
  text: string;
  /** Where the next page begins, in UTF-16 units; `size` at the end. */
  next: number;
  size: number;
}

/**
 * A page of a text of a job.
 * @param outlets write the last screen
 * @param isHidden the asker may not see it
 * @throws MamError `not_found` for a text that the job does not have
 */
export async function textPage(
  job: LiveJob,
  outlets: Pick<Outlets, 'archived'>,
  { what, offset }: Pick<AskParams['text'], 'what' | 'offset'>,
  isHidden = false,
): Promise<TextPage> {
  if (what === 'screen') await outlets.archived(job);
  const whole = isHidden ? undefined : wholeText(job, what);
  if (whole === undefined) throw plainError('not_found', 'The job has no such text.', '');
  const text = pageOf(whole, offset);
  return { text, next: Math.min(offset + text.length, whole.length), size: whole.length };
}

function wholeText(job: LiveJob, what: string): string | undefined {
  const { log_dir: folder, result, result_file: file } = job.record;
  const read = (path: string) => orElse(() => readForeign(path, 2 * TEXT_BYTES), undefined);
  if (what === 'screen') return read(join(folder, 'screen.txt'));
  if (what === 'validate') return read(join(folder, 'validate.log'))?.slice(-TEXT_BYTES);
  if (what === 'result') return file === undefined ? result : read(file);
  // Other files have such names as well: only what an event of the job names is its text.
  const isItsOwn = job.eventsAfter(0).some(({ texts }) => Object.values(texts ?? {}).includes(what));
  return isItsOwn ? orElse(() => readText(job.paths.texts, what), undefined) : undefined;
}

/** As much of a text from an offset on as fits, without half a character. */
function pageOf(text: string, offset: number): string {
  // Every unit takes at least one byte, and at most six when it is escaped.
  let end = Math.min(text.length, offset + PAGE_BYTES);
  while (end > offset + 1 && bytesOf(text.slice(offset, end)) > PAGE_BYTES)
    end = offset + Math.floor((end - offset) / 2);
  const isCut = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return text.slice(offset, isCut ? end - 1 : end);
}
