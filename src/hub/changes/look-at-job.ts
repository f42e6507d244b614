import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MamError } from '../../base/errors.ts';
import { inPieces } from '../../base/in-pieces.ts';
import { between, changedFiles } from '../../git/between.ts';
import {
  type DirtyFile,
  dirtyFiles,
  type Head,
  headOf,
  isWrittenSince,
  repositoryAround,
} from '../../git/look.ts';
import { withOwnFolder } from '../../git/own-folder.ts';
import { commonFolder } from '../../git/read-head.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import { type Found, MOST_NAMES, type Seen } from './fit-changes.ts';
import type { LooksInTurn } from './looks-in-turn.ts';

/** What git said about a job's folder, with the names of all its files. */
export interface Look extends Found {
  /** The files that changed between the start and the end, from the top of the worktree, committed or not. */
  changed?: readonly string[] | undefined;
}

/** A job's start. */
export interface Begin {
  at: string;
  head: Head | undefined;
}

/** How a look is made: whose turn it is, and what git runs with. */
export interface Looker {
  turns: LooksInTurn;
  how: GitEnvironment;
}

/**
 * Looks at a folder at a job's start. The files that git does not follow are left out: to find them takes longer.
 * @param begin when the job began, and what was checked out then, if that could be read at once
 * @returns undefined outside of a repository
 */
export async function lookAtStart(
  folder: string,
  { at, head }: Begin,
  looker: Looker,
): Promise<Look | undefined> {
  // Jobs that begin together in one folder share the look.
  const look = await looker.turns.run(commonFolder(folder) ?? folder, `start ${folder}`, () =>
    orWhy(folder, () => lookNow(folder, looker.how)),
  );
  if (look?.start === undefined) return look;
  const { dirty, ...later } = look.start;
  // What was written since then is of the job's own time.
  const before =
    dirty &&
    (await inPieces(dirty, (file) => (isWrittenSince(join(look.top, file.path), at) ? [] : [file]))).flat();
  return {
    ...look,
    start: { ...(head === undefined ? later : { at, ...head }), ...(before && { dirty: before }) },
  };
}

async function lookNow(folder: string, how: GitEnvironment): Promise<Look | undefined> {
  const place = await repositoryAround(folder, how);
  if (place === undefined) return undefined;
  const { top, common: repository } = place;
  const start: Seen = { at: new Date().toISOString(), ...(await headOf(folder, how)) };
  if (!place.hasWorktree) return { top, repository, start };
  try {
    return { top, repository, start: { ...start, dirty: await dirtyFiles(place, false, how) } };
  } catch (error) {
    return { top, repository, start, unknown: reasonOf(error) };
  }
}

/**
 * Looks at a folder at a job's end, and compares it with the start.
 * @param start undefined if it is not known
 * @returns undefined outside of a repository
 */
export async function lookAtEnd(
  folder: string,
  start: Seen | undefined,
  looker: Looker,
): Promise<Look | undefined> {
  const { how, turns } = looker;
  return orWhy(folder, async () => {
    const place = await repositoryAround(folder, how);
    if (place === undefined) return undefined;
    const { top, common: repository, hasWorktree } = place;
    const head = { at: new Date().toISOString(), ...(await headOf(folder, how)) };
    if (start === undefined) {
      const unknown = 'the folder was not looked at when the job began';
      return { top, repository, end: head, unknown };
    }
    try {
      const range = await between(folder, start, head, MOST_NAMES, how);
      if (!hasWorktree) return { top, repository, end: head, between: range };
      const [dirty, uncommitted] = await turns.run(repository, `end ${top}`, () =>
        Promise.all([dirtyFiles(place, true, how), uncommittedLines(top, head.head, how)]),
      );
      const marks = new Map(start.dirty?.map(({ path, mark }) => [path, mark]));
      const now = await inPieces(dirty, (file) => sinceStart(top, file, { at: start.at, marks }));
      const seen = now.flat();
      const changed = [
        ...range.files.flatMap(({ path, old_path: old }) => (old === undefined ? [path] : [old, path])),
        ...seen.filter(({ as_at_start: isOld }) => isOld !== true).map(({ path }) => path),
      ];
      const end: Seen = { ...head, dirty: seen };
      return { top, repository, end, between: range, uncommitted, changed: [...new Set(changed)] };
    } catch (error) {
      return { top, repository, end: head, unknown: reasonOf(error) };
    }
  });
}

async function uncommittedLines(top: string, head: string | undefined, how: GitEnvironment) {
  return head === undefined ? [] : withOwnFolder(top, how, (own) => changedFiles(top, [head], own));
}

/** A file that is dirty at the end. One that git does not follow counts only if it is new: it was not looked for at the start. */
function sinceStart(
  top: string,
  file: DirtyFile,
  start: { at: string; marks: ReadonlyMap<string, string | undefined> },
): (DirtyFile & { as_at_start?: boolean })[] {
  if (file.state === 'untracked') return isWrittenSince(join(top, file.path), start.at) ? [file] : [];
  const mark = start.marks.get(file.path);
  const isSame = mark !== undefined && mark === file.mark;
  return [isSame ? { ...file, as_at_start: true } : file];
}

/** A look, or why git refuses one. */
async function orWhy(folder: string, look: () => Promise<Look | undefined>): Promise<Look | undefined> {
  if (!existsSync(folder)) return { top: folder, repository: '', unknown: 'the folder is gone' };
  try {
    return await look();
  } catch (error) {
    return { top: folder, repository: '', unknown: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof MamError)) throw error;
  return error.message.replace(/\.$/, '');
}
