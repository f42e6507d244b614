import { cleanLine } from '../../base/text.ts';
import type { Between } from '../../git/between.ts';
import type { DirtyFile, Head } from '../../git/look.ts';
import type { ChangedFile } from '../../git/numstat.ts';
import type { GitLook, JobChanges, Stat } from '../../job/changes.ts';

/** How many names a list of a record has at most. */
export const MOST_NAMES = 50;
/** How much all of it may take, in bytes as JSON: a journal line has 4 KiB, with a sentence and the proof. */
const ALL_BYTES = 2_900;
/** How much of the room for lists the commits may take, and then the files that are not committed. */
const SHARE_OF_COMMITS = 0.25;
const SHARE_OF_DIRTY = 0.45;
const SUBJECT_CHARS = 72;
const REASON_CHARS = 300;

/** A look with the names of all dirty files. */
export interface Seen extends Head {
  at: string;
  /** Absent if they are not known. */
  dirty?: readonly (DirtyFile & { as_at_start?: boolean })[] | undefined;
  names_sha256?: string | undefined;
}

/** What is recorded about a job's folder, before its lists are shortened. */
export interface Found {
  top: string;
  repository: string;
  start?: Seen | undefined;
  end?: Seen | undefined;
  between?: Between | undefined;
  uncommitted?: readonly ChangedFile[] | undefined;
  names_sha256?: string | undefined;
  unknown?: string | undefined;
}

/** What is recorded, with exact counts, and as many names as fit into a line of the journal. */
export function fitChanges(found: Found): JobChanges {
  const least = bytesOf(fitInto(found, 0));
  if (least <= ALL_BYTES) return fitInto(found, ALL_BYTES - least);
  return { top: '', unknown: 'the path of the folder is too long to be recorded' };
}

function fitInto({ start, end, between, uncommitted, ...found }: Found, bytes: number): JobChanges {
  const { top, repository, unknown, names_sha256 } = found;
  const room: Room = { left: bytes };
  const subjects = between?.commits.map(({ id, subject }) => ({
    id,
    subject: cleanLine(subject, SUBJECT_CHARS),
  }));
  const commits = fitting(subjects ?? [], room, bytes * SHARE_OF_COMMITS);
  const looks = {
    ...(start && { start: fitLook(start, room, bytes) }),
    ...(end && { end: fitLook(end, room, bytes * SHARE_OF_DIRTY) }),
  };
  const files = between?.files.map(({ path, added, deleted }) => ({ path, added, deleted }));
  return {
    ...{ top, repository },
    ...looks,
    ...(between && {
      commit_count: between.commit_count,
      left_behind: between.left_behind,
      files: fitting(files ?? [], room),
      stat: statOf(between.files),
      commits,
    }),
    ...(uncommitted && { uncommitted: statOf(uncommitted) }),
    ...(names_sha256 !== undefined && { names_sha256 }),
    ...(unknown !== undefined && { unknown: cleanLine(unknown, REASON_CHARS) }),
  };
}

function fitLook({ at, head, branch, dirty, names_sha256 }: Seen, room: Room, most: number): GitLook {
  return {
    at,
    ...(head !== undefined && { head }),
    ...(branch !== undefined && { branch }),
    ...(names_sha256 !== undefined && { names_sha256 }),
    ...(dirty && {
      dirty_count: dirty.length,
      dirty: fitting(
        dirty.map(({ path, state, as_at_start: isOld }) => ({
          ...{ path, state },
          ...(isOld === true && { as_at_start: true }),
        })),
        room,
        most,
      ),
    }),
  };
}

function statOf(files: readonly ChangedFile[]): Stat {
  const sum = (of: 'added' | 'deleted') => files.reduce((total, file) => total + (file[of] ?? 0), 0);
  return { files: files.length, insertions: sum('added'), deletions: sum('deleted') };
}

/** What is left for lists, in bytes as JSON. */
interface Room {
  left: number;
}

/** The first items, as many as fit. @param room what they take is taken from it @param most how much that may be */
export function fitting<T>(items: readonly T[], room: Room, most = room.left): T[] {
  const first: T[] = [];
  let taken = 0;
  for (const item of items.slice(0, MOST_NAMES)) {
    const size = bytesOf(item) + 1;
    taken += size;
    if (size > room.left || taken > most) break;
    room.left -= size;
    first.push(item);
  }
  return first;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
