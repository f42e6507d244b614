import { existsSync } from 'node:fs';
import { explain, MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { foldJob } from '../registry/fold.ts';
import { type JobPaths, jobPaths } from '../registry/paths.ts';
import { journalText } from '../registry/read-journal.ts';
import { writtenState } from '../registry/record-file.ts';
import { type Found, note, problem } from './finding.ts';

const SHOWN = 3;
/** A damaged number of an event must not be counted up to. */
const MOST_LOST = 1_000;
const FRESH_MS = 5_000;

/** What is wrong with one job's files; nothing when they are whole. */
export function jobHealth(registryDir: string, jobId: string): Found[] {
  const paths = jobPaths(registryDir, jobId);
  // Before the journal: a hub that is writing is ahead with that.
  const written = writtenState(paths.record);
  let job: ReturnType<typeof foldJob>;
  try {
    job = foldJob(registryDir, jobId);
  } catch (error) {
    const { message, hint } = error instanceof MamError ? error : new MamError('internal', explain(error));
    return [problem('registry.journal', message, hint || `Move the folder ${paths.folder} away.`)];
  }
  return [
    ...damageOf(jobId, job, written),
    ...(isFresh(job.record) ? [] : [...recordOf(job.record, written), ...promptOf(job.record, paths)]),
  ];
}

/** Its files may be on their way to the disk. */
function isFresh(record: JobRecord): boolean {
  return Date.now() - Date.parse(record.final_at ?? record.last_sign_of_life_at) < FRESH_MS;
}

function damageOf(
  jobId: string,
  { paths, events, damage }: { paths: JobPaths; events: RecordedEvent[]; damage: string[] },
  written: ReturnType<typeof writtenState>,
): Found[] {
  const lost = lostEvents(events, written?.seq ?? 0);
  const lines = damage.flatMap((sentence) => Number(/^Line (\d+) /.exec(sentence)?.[1] ?? []));
  const where = `${lines.length === 1 ? 'line' : 'lines'} ${listed(lines)}`;
  if (lost.length > 0) {
    const missing = `${lost.length === 1 ? 'event' : 'events'} ${listed(lost)} ${lost.length === 1 ? 'is' : 'are'} lost`;
    const title =
      lines.length === 0
        ? `The journal of job ${jobId} was changed: ${missing}.`
        : `The journal of job ${jobId} is damaged in ${where}: ${missing}.`;
    const remedy = `All other lines count, and the job goes on with them. To have it whole again, restore ${paths.journal} from a backup; to silence this note, move ${paths.folder} away.`;
    return [problem('registry.journal', title, remedy, damage.slice(0, SHOWN).join('\n') || undefined)];
  }
  // A hub that was killed in the middle of a write leaves a torn line, of which nobody was told; no event is missing.
  const [line = 0] = lines;
  if (lines.length === 0 || (lines.length === 1 && isTornEnd(paths.journal, line))) return [];
  const title = `The journal of job ${jobId} has ${where} that cannot be read; no event is missing.`;
  return [note('registry.journal', title, 'Nothing has to be done: the line is passed over.')];
}

/** The numbers that are missing in a journal, up to the last that was ever written to the record. */
function lostEvents(events: RecordedEvent[], known: number): number[] {
  const lost: number[] = [];
  let next = 1;
  for (const end of [...events.map(({ seq }) => seq), known + 1]) {
    for (; next < end && lost.length < MOST_LOST; next++) lost.push(next);
    next = Math.max(next, end + 1);
  }
  return lost;
}

function isTornEnd(journal: string, line: number): boolean {
  const text = journalText(journal);
  return !text.endsWith('\n') && text.split('\n').length === line;
}

/** What other programs read; mam itself goes by the journal. */
function recordOf(record: JobRecord, written: ReturnType<typeof writtenState>): Found[] {
  const behind = written !== undefined && written.seq < record.seq && written.seq > 0;
  const ended = isFinal(record.status);
  if (written?.status === record.status ? !behind : !(ended || behind)) return [];
  const said =
    written === undefined
      ? 'is missing or cannot be read'
      : behind
        ? `says ${cleanLine(written.status, 40)}, as it was after event ${written.seq} of ${record.seq}`
        : `says ${cleanLine(written.status, 40)}`;
  const title = `Job ${record.job_id} is ${record.status}, and its job.json ${said}.`;
  const remedy = `Nothing has to be done: the journal counts. Programs that read the file take \`mam status --job ${record.job_id} --json\`.`;
  return [note('registry.record', title, remedy)];
}

function promptOf(record: JobRecord, { prompt }: JobPaths): Found[] {
  if (isFinal(record.status) || existsSync(prompt)) return [];
  const title = `The task of the open job ${record.job_id} is gone: ${prompt}.`;
  const remedy = `Its peer can't read it any more: \`mam cancel --job ${record.job_id}\`, and delegate it again.`;
  return [problem('registry.prompt', title, remedy)];
}

function listed(numbers: number[]): string {
  const first = numbers.slice(0, SHOWN).join(', ');
  return numbers.length > SHOWN ? `${first} and ${numbers.length - SHOWN} more` : first;
}
