import { existsSync } from 'node:fs';
import { cleanLine, someOf } from '../base/text.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { foldJob } from '../registry/fold.ts';
import { type JobPaths, jobPaths } from '../registry/paths.ts';
import { journalText } from '../registry/read-journal.ts';
import { writtenState } from '../registry/record-file.ts';
import { type Found, failure, note, problem } from './finding.ts';

const SHOWN = 3;
/** Limits what a damaged event number can cost. */
const MOST_LOST = 1_000;
const FRESH_MS = 5_000;

/** What is wrong with one job's files; nothing when they are intact. */
export function jobHealth(registryDir: string, jobId: string): Found[] {
  const paths = jobPaths(registryDir, jobId);
  // Read before the journal, which a hub writes first.
  const written = writtenState(paths.record);
  try {
    const job = foldJob(registryDir, jobId);
    const { record } = job;
    // Its files may not be on the disk yet.
    const age = Date.now() - Date.parse(record.final_at ?? record.last_sign_of_life_at);
    return [
      ...damageOf(jobId, job, written?.seq ?? 0),
      ...(age < FRESH_MS ? [] : [...recordOf(record, written), ...promptOf(record, paths)]),
    ];
  } catch (error) {
    return [failure('registry.journal', error, `Move the folder ${paths.folder} away.`)];
  }
}

function damageOf(
  jobId: string,
  { paths, events, damage }: { paths: JobPaths; events: RecordedEvent[]; damage: string[] },
  known: number,
): Found[] {
  const lost = lostEvents(events, known);
  const lines = damage.flatMap((sentence) => Number(/^Line (\d+) /.exec(sentence)?.[1] ?? []));
  const where = `${lines.length === 1 ? 'line' : 'lines'} ${someOf(lines, SHOWN)}`;
  if (lost.length > 0) {
    const missing = lost.length === 1 ? `event ${lost[0]} is lost` : `events ${someOf(lost, SHOWN)} are lost`;
    const what = lines.length === 0 ? 'was changed' : `is damaged in ${where}`;
    const title = `The journal of job ${jobId} ${what}: ${missing}.`;
    const remedy = `All other lines count, and the job goes on with them. To repair it, restore ${paths.journal} from a backup; to silence this note, move ${paths.folder} away.`;
    return [problem('registry.journal', title, remedy, damage.slice(0, SHOWN).join('\n') || undefined)];
  }
  // A hub that was killed while it wrote leaves a torn line, which was not acknowledged; no event is missing.
  const [line = 0] = lines;
  if (lines.length === 0 || (lines.length === 1 && isTornEnd(paths.journal, line))) return [];
  const title = `The journal of job ${jobId} has ${where} that cannot be read; no event is missing.`;
  return [note('registry.journal', title, 'Nothing needs to be done: the line is skipped.')];
}

/** The event numbers that are missing in a journal, up to the last one that the record knows. */
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
  const differs = written?.status !== record.status && isFinal(record.status);
  if (!behind && !differs) return [];
  const when = behind ? `, as it was after event ${written.seq} of ${record.seq}` : '';
  const said =
    written === undefined ? 'is missing or cannot be read' : `says ${cleanLine(written.status, 40)}${when}`;
  const title = `Job ${record.job_id} is ${record.status}, but its job.json ${said}.`;
  const remedy = `Nothing needs to be done: the journal counts. Programs should use \`mam status ${record.job_id} --json\` instead of the file.`;
  return [note('registry.record', title, remedy)];
}

function promptOf(record: JobRecord, { prompt }: JobPaths): Found[] {
  if (isFinal(record.status) || existsSync(prompt)) return [];
  const title = `The task of the open job ${record.job_id} is gone: ${prompt}.`;
  const remedy = `Its peer can no longer read it: \`mam cancel ${record.job_id}\`, and delegate it again.`;
  return [problem('registry.prompt', title, remedy)];
}
