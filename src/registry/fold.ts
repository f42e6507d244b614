import { MamError, systemCode } from '../errors.ts';
import { apply } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';
import { type JournalContent, readJournal } from './journal.ts';
import { type JobPaths, jobPaths } from './paths.ts';
import { isRecord } from './record-shape.ts';
import type { Seal } from './seal.ts';

/** A job as its folder tells it. */
export interface FoldedJob {
  paths: JobPaths;
  record: JobRecord;
  events: RecordedEvent[];
  /** One sentence for each line of the journal that can't be read. */
  damage: string[];
}

/**
 * Rebuilds a job's record from its journal. Where the journal's beginning is damaged, the last written `job.json`
 * stands in for it.
 * @param seal only what it proves counts; absent for whoever only shows the job
 * @throws MamError `not_found` when there is no such job, `unavailable` when neither can be read as it is, `io` when
 * the system fails, which may pass
 */
export function foldJob(registryDir: string, jobId: string, seal?: Seal): FoldedJob {
  const paths = jobPaths(registryDir, jobId);
  const { events, damage } = contentOf(paths.journal, jobId, seal);
  let record = events[0]?.type === 'queued' ? undefined : readRecord(paths.record, jobId, seal);
  if (record === undefined && events[0]?.type !== 'queued') {
    if (events.length === 0 && damage.length === 0)
      throw new MamError('not_found', `There is no job ${jobId}.`);
    throw unfit(jobId, (damage[0] ?? 'its first event is missing').replace(/\.$/, ''), paths);
  }
  const known = record?.seq ?? 0;
  for (const event of events) {
    if (event.seq > known) record = applied(record, event, jobId, paths);
  }
  if (record === undefined || !isRecord(record, jobId)) throw unfit(jobId, 'its record does not fit', paths);
  return { paths, record, events, damage };
}

/** What stands in a journal may be anything: an event that can't be applied is told, not thrown about. */
function applied(
  record: JobRecord | undefined,
  event: RecordedEvent,
  jobId: string,
  { journal, folder }: JobPaths,
): JobRecord {
  try {
    if (event.job_id !== jobId) throw new Error('another job');
    return apply(record, event);
  } catch (error) {
    throw unfit(jobId, `its event ${event.seq} does not fit`, { journal, folder }, error);
  }
}

function unfit(
  jobId: string,
  why: string,
  { journal, folder }: Pick<JobPaths, 'journal' | 'folder'>,
  cause?: unknown,
): MamError {
  return new MamError(
    'unavailable',
    `The journal of job ${jobId} cannot be read: ${why}.`,
    `Restore ${journal} from a backup, or move the folder ${folder} away.`,
    { cause },
  );
}

function contentOf(journal: string, jobId: string, seal: Seal | undefined): JournalContent {
  try {
    return readJournal(journal, seal && { seal, jobId });
  } catch (error) {
    throw new MamError(
      'io',
      `The journal of job ${jobId} cannot be read (${systemCode(error) ?? 'unknown error'}).`,
      `Make ${journal} readable.`,
      { cause: error },
    );
  }
}

/**
 * The derived record as last written, if there is a readable one.
 * @param jobId whose it must be, where that is known
 * @param seal counts only what it proves
 */
export function readRecord(path: string, jobId?: string, seal?: Seal): JobRecord | undefined {
  try {
    const { mac, ...record } = JSON.parse(readForeign(path)) as JobRecord & { mac?: unknown };
    if (!isRecord(record, jobId ?? record.job_id)) return undefined;
    const proven = seal?.provesRecord(record.job_id, JSON.stringify(record), String(mac)) ?? true;
    return proven ? record : undefined;
  } catch {
    return undefined;
  }
}

/** What a job.json says of where its job stands, whatever else is in it; nothing where it says nothing. */
export function writtenState(path: string): { status: string; seq: number } | undefined {
  try {
    const { status, seq } = JSON.parse(readForeign(path)) as { status?: unknown; seq?: unknown };
    return typeof status === 'string'
      ? { status, seq: Number.isSafeInteger(seq) ? Number(seq) : 0 }
      : undefined;
  } catch {
    return undefined;
  }
}

/** A record as `job.json` has it. */
export function recordText(record: JobRecord, seal: Seal): string {
  const mac = seal.signRecord(record.job_id, JSON.stringify(record));
  return `${JSON.stringify({ ...record, mac }, undefined, 2)}\n`;
}
