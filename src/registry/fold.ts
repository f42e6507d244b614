import { MamError, systemCode } from '../errors.ts';
import { apply } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';
import { type JournalContent, readJournal } from './journal.ts';
import { type JobPaths, jobPaths } from './paths.ts';

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
 * @throws MamError `not_found` when there is no such job, `unavailable` when neither can be read as it is, `io` when
 * the system fails, which may pass
 */
export function foldJob(registryDir: string, jobId: string): FoldedJob {
  const paths = jobPaths(registryDir, jobId);
  const { events, damage } = contentOf(paths.journal, jobId);
  let record = events[0]?.type === 'queued' ? undefined : readRecord(paths.record);
  if (record === undefined && events[0]?.type !== 'queued') {
    if (events.length === 0 && damage.length === 0)
      throw new MamError('not_found', `There is no job ${jobId}.`);
    throw new MamError(
      'unavailable',
      `The journal of job ${jobId} cannot be read: ${damage[0] ?? 'its first event is missing.'}`,
      `Restore ${paths.journal} from a backup, or move the folder ${paths.folder} away.`,
    );
  }
  const known = record?.seq ?? 0;
  for (const event of events) {
    if (event.seq > known) record = apply(record, event);
  }
  return { paths, record: record as JobRecord, events, damage };
}

function contentOf(journal: string, jobId: string): JournalContent {
  try {
    return readJournal(journal);
  } catch (error) {
    throw new MamError(
      'io',
      `The journal of job ${jobId} cannot be read (${systemCode(error) ?? 'unknown error'}).`,
      `Make ${journal} readable.`,
      { cause: error },
    );
  }
}

/** The derived record as last written, if there is a readable one. */
export function readRecord(path: string): JobRecord | undefined {
  try {
    const record = JSON.parse(readForeign(path)) as JobRecord;
    return typeof record.job_id === 'string' && typeof record.status === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}
