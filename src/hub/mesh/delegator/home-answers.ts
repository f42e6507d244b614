import { z } from 'zod';
import { MamError } from '../../../base/errors.ts';
import type { RecordedEvent } from '../../../job/event.ts';
import { SOURCES } from '../../../job/words.ts';
import { shortLine } from '../../../registry/texts.ts';
import type { AskResult } from './asks.ts';

/** Fields of an event whose whole text may be in a file. */
const WITH_TEXT = ['result', 'files', 'detail', 'data'] as const;
/** The longest of the fields that the home limits by itself; a whole event is limited by its journal line. */
const LINE = z.string().max(4_096);

/** An event as a journal has it: it becomes a line of ours, so nothing in it may pass for a proof. */
const eventSchema = z.looseObject({
  seq: z.number().int().min(1),
  event_id: z.string().min(1).max(200),
  job_id: z.string(),
  type: z.string().regex(/^[a-z_]{1,40}$/),
  source: z.enum(SOURCES),
  writer: z.string().max(120).optional(),
  writer_seq: z.number().int().optional(),
  at: z.string().max(40),
  recorded_at: z.iso.datetime(),
  late: z.boolean().optional(),
  detail: LINE.optional(),
  result: LINE.optional(),
  files: z.array(LINE).optional(),
  texts: z.partialRecord(z.enum(WITH_TEXT), z.string().regex(/^[0-9a-f]{64}$/)).optional(),
  unheard: z.boolean().optional(),
  data: z.looseObject({}).optional(),
});
const pageSchema = z.object({
  record: z.looseObject({ seq: z.number().int().min(1) }),
  events: z.array(z.unknown()),
  more: z.boolean(),
});
const pieceSchema = z.object({
  text: z.string(),
  next: z.number().int().min(0),
  size: z.number().int().min(0),
});

/** Events of a job from its home's journal, in their order. */
export interface Page {
  events: RecordedEvent[];
  /** How far the home's journal is. */
  seq: number;
  /** There are newer ones than these. */
  more: boolean;
}

/** A part of a text. */
export type Piece = z.infer<typeof pieceSchema>;

/**
 * An event of a job as its home tells it, unchanged, so that the copy of the journal has the same lines.
 * @returns undefined for anything that is not an event of this job, or does not fit into a journal
 */
export function eventOf(jobId: string, value: unknown): RecordedEvent | undefined {
  const { success, data } = eventSchema.safeParse(value);
  if (!success || data.job_id !== jobId) return undefined;
  const event = value as RecordedEvent;
  const isPlain = !Object.hasOwn(event, 'mac') && !Object.hasOwn(event, '__proto__');
  return isPlain && shortLine(event) !== undefined ? event : undefined;
}

/** The page in the answer to a delegation; the home need not show its first events with it. */
export function firstPageOf(host: string, jobId: string, answer: AskResult): Page | undefined {
  return answer['events'] === undefined ? undefined : pageOf(host, jobId, { more: false, ...answer });
}

/** @param host whose answer it is. @throws MamError `unavailable` for an answer that is none */
export function pageOf(host: string, jobId: string, answer: unknown): Page {
  const { data } = pageSchema.safeParse(answer);
  const events = data?.events.map((event) => eventOf(jobId, event));
  if (data === undefined || events === undefined || events.includes(undefined))
    throw unreadable(host, `events of ${jobId}`);
  return { events: events as RecordedEvent[], seq: data.record.seq, more: data.more };
}

/** @param host whose answer it is. @throws MamError `unavailable` for an answer that is none */
export function pieceOf(host: string, what: string, answer: unknown): Piece {
  const { data } = pieceSchema.safeParse(answer);
  if (data === undefined) throw unreadable(host, what);
  return data;
}

function unreadable(host: string, what: string): MamError {
  return new MamError(
    'unavailable',
    `The answer of ${host} about ${what} does not have the expected form.`,
    'Use the same version of mam on both hosts.',
  );
}
