import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataOf } from '../job/event.ts';
import type { JobOrder } from '../job/record.ts';
import { promptPreview } from '../job/task-text.ts';
import { readForeign } from '../trust/files.ts';
import { isOwnFile, isOwnFolder } from '../trust/owner.ts';
import { JOB_NEIGHBOUR } from './files.ts';
import { type JobPaths, jobPaths } from './paths.ts';
import { journalText, readJournal } from './read-journal.ts';

/** The files of a job's folder before anyone is notified of the job. */
const FIRST = ['events.jsonl', 'prompt.md'];
/** Those of a copy before its home is asked; its journal comes last. */
const REPLICA = 'replica.json';
/** How its journal begins, and the events that it has by then. */
const BEGINNING = '\n{"seq":1,';
const FIRST_EVENTS = ['queued', 'pasting'];

/**
 * Removes what a hub left that was killed while it made a job: a folder without a whole journal line, or without the
 * whole task. Nobody was notified of that job, and nothing was typed for it. A folder with other content stays.
 * @throws the system's error
 */
export function sweepHalfMade(registryDir: string, jobId: string): void {
  const paths = jobPaths(registryDir, jobId);
  if (!isOwnFolder(paths.folder)) return;
  const names = readdirSync(paths.folder);
  const isFirst = (name: string): boolean =>
    FIRST.includes(name) || name === REPLICA || JOB_NEIGHBOUR.test(name);
  if (!names.every((name) => isFirst(name) && isOwnFile(join(paths.folder, name)))) return;
  const isReplica = names.some((name) => name.startsWith(REPLICA));
  if (isReplica ? names.includes('events.jsonl') : isMade(paths, names)) return;
  for (const name of names) rmSync(join(paths.folder, name), { force: true });
  rmdirSync(paths.folder);
}

function isMade({ journal, prompt }: JobPaths, names: string[]): boolean {
  const { events, damage } = readJournal(journal);
  const [first] = events;
  if (first === undefined) return names.includes('events.jsonl') && !isBeginning(journalText(journal));
  if (damage.length > 0 || !events.every(({ type }) => FIRST_EVENTS.includes(type))) return true;
  const { prompt_bytes: whole, prompt_preview, preamble } = (dataOf(first).job ?? {}) as Partial<JobOrder>;
  const preview = preamble?.beginning ?? prompt_preview;
  if (typeof whole !== 'number' || typeof preview !== 'string') return true;
  if (!names.includes('prompt.md')) return false;
  const text = readForeign(prompt);
  if (Buffer.byteLength(text) >= whole) return true;
  // Below a whole preamble, the task is torn.
  const isBelow = preamble !== undefined && promptPreview(text).startsWith(preview.replace(/…$/, ''));
  return !isBelow && !isBeginningOf(preview, text);
}

/** True for what an interrupted write of the task leaves, perhaps cut within a character, not for another text. */
function isBeginningOf(preview: string, text: string): boolean {
  const written = promptPreview(text);
  return written === preview || preview.startsWith(written.slice(0, -1).trimEnd());
}

/** True for what an interrupted first write leaves; anything else is a damaged journal, which stays. */
function isBeginning(text: string): boolean {
  return BEGINNING.startsWith(text) || (text.startsWith(BEGINNING) && !text.includes('\n', 1));
}
