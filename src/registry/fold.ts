import { isDeepStrictEqual } from 'node:util';
import { MamError, systemCode } from '../base/errors.ts';
import { isSamePlace } from '../base/real-place.ts';
import { apply } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { asReplica, type ReplicaState } from '../job/replica.ts';
import type { Mark } from './mark.ts';
import { type JobPaths, jobPaths } from './paths.ts';
import { type JournalContent, readJournal } from './read-journal.ts';
import { isRecord, readRecord } from './record-file.ts';
import { readReplica, signerOf } from './replica-file.ts';
import type { Seal } from './seal.ts';

/** A job as stored in its folder. */
export interface FoldedJob {
  paths: JobPaths;
  record: JobRecord;
  events: RecordedEvent[];
  /** One sentence for each unreadable line of the journal, and for lost events. */
  damage: string[];
  /** The state of the journal that this was folded from; absent if there is no journal. */
  mark: Mark | undefined;
  /** True if `job.json` agrees. */
  isWritten: boolean;
  /** The registry in which it was made or last written: a different one if it was copied or moved. */
  madeIn: string;
  /** Of the copy of a job that another host has; else undefined. */
  replica: ReplicaState | undefined;
  /** The record as its events say; undefined while a copy has none. */
  told: JobRecord | undefined;
}

/**
 * Rebuilds a job's record from its journal. If the journal's beginning is damaged, or its end is gone, the last written
 * `job.json` is used instead.
 * @param seal only what it proves counts; absent for callers that only show the job
 * @throws MamError `not_found` when there is no such job, `unavailable` when neither can be read as it is, `io` for a
 * failure of the system, which may be temporary
 */
export function foldJob(registryDir: string, jobId: string, seal?: Seal): FoldedJob {
  const paths = jobPaths(registryDir, jobId);
  const replica = readReplica(paths, jobId, seal);
  const signer = signerOf(jobId, replica);
  // Read before the journal, because a hub always writes the journal first.
  const lastWritten = readRecord(paths.record, jobId, seal, signer);
  // Before the first event of its home, a copy has a record of our own.
  const written = replica !== undefined && lastWritten?.seq === 0 ? undefined : lastWritten;
  const { events, damage, isTorn, mark } = contentOf(paths.journal, jobId, seal, signer);
  const last = events.at(-1)?.seq ?? 0;
  const lost = written !== undefined && mark !== undefined && written.seq > last ? written.seq : undefined;
  let record = lost !== undefined || events[0]?.type !== 'queued' ? written : undefined;
  // What is left of a first line comes again from its home.
  const isEmpty = events.length === 0 && damage.length <= Number(isTorn);
  const isUnheard = replica !== undefined && mark !== undefined && isEmpty;
  if (record === undefined && events[0]?.type !== 'queued' && !isUnheard) {
    if (events.length === 0 && damage.length === 0)
      throw new MamError('not_found', `There is no job ${jobId}.`);
    throw unfit(jobId, (damage[0] ?? 'its first event is missing').replace(/\.$/, ''), paths);
  }
  if (lost !== undefined) damage.push(lostText(paths, last + 1, lost));
  const known = record?.seq ?? 0;
  for (const event of events.filter(({ seq }) => seq > known)) {
    try {
      if (event.job_id !== jobId) throw new Error('another job');
      record = apply(record, event);
    } catch (error) {
      // A journal may hold anything, even events that can't be applied.
      throw unfit(jobId, `its event ${event.seq} does not fit`, paths, error);
    }
  }
  const told = record;
  if (replica !== undefined) record = asReplica(told, replica, registryDir);
  if (record === undefined || !isRecord(record, jobId)) throw unfit(jobId, 'its record does not fit', paths);
  const isWritten =
    lastWritten?.seq === record.seq &&
    lastWritten.status === record.status &&
    isDeepStrictEqual(ownPart(lastWritten), ownPart(record));
  const madeIn = replica?.order.registry_dir ?? record.registry_dir;
  const shown = replica === undefined ? placedIn(record, registryDir) : record;
  if (replica?.damage !== undefined) damage.push(...replica.damage);
  return { paths, record: shown, events, damage, mark, isWritten, madeIn, replica, told };
}

/** What changes in the record of a copy without an event; when it was last complete is written with the next change. */
function ownPart({ home, notified_seq, notified_episode, notifying }: JobRecord): unknown[] {
  if (home === undefined) return [];
  const { synced_at: _, ...where } = home;
  return [where, notified_seq, notified_episode, notifying];
}

/** A record with the current paths of its files, in case its registry has moved since the job was made. */
export function placedIn(record: JobRecord, registryDir: string): JobRecord {
  const { registry_dir: made, log_dir, result_file: file, job_id } = record;
  if (made === registryDir || isSamePlace(made, registryDir)) return record;
  const [before, { folder }] = [jobPaths(made, job_id).folder, jobPaths(registryDir, job_id)];
  return {
    ...record,
    registry_dir: registryDir,
    // A separate log folder stays where it is.
    ...(log_dir === before && { log_dir: folder }),
    ...(file?.startsWith(`${before}/`) === true && { result_file: `${folder}${file.slice(before.length)}` }),
  };
}

function lostText({ journal, record }: JobPaths, first: number, last: number): string {
  const what = first === last ? `Event ${first} is` : `Events ${first} to ${last} are`;
  return `${what} lost from the end of ${journal}; ${record} is used for what they changed.`;
}

function unfit(jobId: string, why: string, { journal, folder }: JobPaths, cause?: unknown): MamError {
  return new MamError(
    'unavailable',
    `The journal of job ${jobId} cannot be read: ${why}.`,
    `Restore ${journal} from a backup, or move the folder ${folder} away.`,
    { cause },
  );
}

function contentOf(journal: string, jobId: string, seal: Seal | undefined, signer: string): JournalContent {
  try {
    return readJournal(journal, seal && { seal, jobId: signer });
  } catch (error) {
    throw new MamError(
      'io',
      `The journal of job ${jobId} cannot be read (${systemCode(error) ?? 'unknown error'}).`,
      `Make ${journal} readable.`,
      { cause: error },
    );
  }
}
