import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { makeFolder } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import { sliceUnits } from '../base/text.ts';
import type { RecordedEvent } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';
import { isOwnFolder } from '../trust/owner.ts';
import { writeDurably } from './files.ts';
import { SIGNED_BYTES } from './seal.ts';

/** How much of a text stays in the journal line when the whole text is in `texts/`. */
const KEPT_CHARS = 400;
/** The two newlines and the proof count as well. */
const MAX_LINE_BYTES = LIMITS.lineBytes - 2 - SIGNED_BYTES;
/** The name of a text. It is checked because events come from peers and may name anything. */
const HASH = /^[0-9a-f]{64}$/;

/** How much recent text stays in memory, in characters. */
const MEMORY_CHARS = 4 * 1024 * 1024;

/** Recent texts by hash, and their total length. */
const kept = new Map<string, string>();
let chars = 0;

/** Keeps a text of a job in memory for a while: its file may be removed and is then written again. */
export function keepText(hash: string, text: string): void {
  if (kept.has(hash) || text.length > MEMORY_CHARS / 4) return;
  kept.set(hash, text);
  chars += text.length;
  for (const [oldest, { length }] of kept) {
    if (chars <= MEMORY_CHARS) return;
    kept.delete(oldest);
    chars -= length;
  }
}

/** The text of this hash (sha256), if it is still known. */
export function keptText(hash: string): string | undefined {
  return kept.get(hash);
}

/** An event, and its journal line. */
export interface Line {
  line: string;
  event: RecordedEvent;
}

/** The line of an event that is short enough, as nearly all are. */
export function shortLine(event: RecordedEvent): Line | undefined {
  const line = JSON.stringify(event);
  return Buffer.byteLength(line) <= MAX_LINE_BYTES ? { line, event } : undefined;
}

/**
 * The line of a long event, below 4 KiB: its texts are written to `texts/<sha256>` first.
 * @param folder the job's `texts` folder
 * @throws the system's error when a text could not be written
 */
export async function longLine(event: RecordedEvent, folder: string): Promise<Line> {
  let line = '';
  let short: RecordedEvent = { ...event, texts: {} };
  for (const field of ['result', 'files', 'detail', 'data'] as const) {
    const value = short[field];
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.length <= KEPT_CHARS) continue;
    // The job's order (`data` of `queued`) must stay readable in place; `checkOrder` keeps it small.
    if (field === 'data' && event.type === 'queued') continue;
    const hash = await writeText(folder, text);
    const texts = { ...short.texts, [field]: hash };
    short = { ...short, [field]: beginning(value), texts };
    line = JSON.stringify(short);
    if (Buffer.byteLength(line) <= MAX_LINE_BYTES) break;
  }
  return { line, event: short };
}

/**
 * Writes the removed long texts of events again, as far as they are still known.
 * @returns how many are lost
 * @throws the system's error
 */
export async function restoreTexts(events: readonly RecordedEvent[], folder: string): Promise<number> {
  let lost = 0;
  for (const hash of new Set(events.flatMap(({ texts }) => Object.values(texts ?? {})))) {
    if (!HASH.test(hash) || isThere(join(folder, hash), hash)) continue;
    const text = keptText(hash);
    if (text === undefined) lost++;
    else await writeText(folder, text);
  }
  return lost;
}

/** A record as it is shown: it says so if the file with its whole result is gone. */
export function withResult(record: JobRecord): JobRecord {
  const { result, result_file: file, home } = record;
  if (result === undefined || file === undefined || existsSync(file)) return record;
  return { ...record, result: `${result}${goneText(file, home?.host)}` };
}

/** @param host that has the job, if this is a copy: its long texts are fetched after its events */
function goneText(file: string, host: string | undefined): string {
  if (host === undefined) return `… (the rest is gone: ${file} is missing)`;
  return `… (the rest has not come from ${host} yet: ${file} is missing)`;
}

/** Keeps a text of a job in its `texts` folder. @returns its hash. @throws the system's error */
export async function writeText(folder: string, text: string): Promise<string> {
  const hash = sha256(text);
  keepText(hash, text);
  const path = join(folder, hash);
  makeFolder(folder);
  // A link would redirect the text into a folder that is not ours.
  if (!isOwnFolder(folder))
    throw Object.assign(new Error(`${folder} is not a folder of our own`), { code: 'ENOTDIR' });
  if (!isThere(path, hash)) await writeDurably(path, text);
  return hash;
}

/** A text of a job by its hash. @throws MamError `unavailable` if it is lost */
export function readText(folder: string, hash: string): string {
  const path = join(folder, hash);
  const text = orElse(() => readForeign(path), '');
  const found = sha256(text) === hash ? text : keptText(hash);
  if (found === undefined)
    throw new MamError('unavailable', `${path} is missing or changed.`, 'Restore it from a backup.');
  return found;
}

function isThere(path: string, hash: string): boolean {
  return orElse(() => sha256(readForeign(path)) === hash, false);
}

function beginning(value: unknown): unknown {
  if (typeof value === 'string') return sliceUnits(value, 0, KEPT_CHARS);
  if (Array.isArray(value)) return value.slice(0, 3);
  return { cut: true };
}

/**
 * An event with its long texts restored. A text whose file is gone keeps its beginning and says so.
 * @param folder the job's `texts` folder
 * @param host that has the job, if this is a copy
 */
export function wholeEvent(event: RecordedEvent, folder: string, host?: string): RecordedEvent {
  const restored: Record<string, unknown> = {};
  for (const [field, hash] of Object.entries(event.texts ?? {})) {
    if (!HASH.test(hash)) continue;
    const beginning = event[field as keyof RecordedEvent];
    if (typeof beginning === 'string' && !existsSync(join(folder, hash)))
      restored[field] = `${beginning}${goneText(join(folder, hash), host)}`;
    try {
      const text = readForeign(join(folder, hash));
      // The name is the hash of the text, so this is something else.
      if (sha256(text) !== hash) continue;
      restored[field] = field === 'files' || field === 'data' ? JSON.parse(text) : text;
    } catch {
      // A copy of the journal in a separate log folder has no such files.
    }
  }
  return { ...event, ...restored };
}
