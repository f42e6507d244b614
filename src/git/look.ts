import { statSync } from 'node:fs';
import { join } from 'node:path';
import { inPieces } from '../base/in-pieces.ts';
import { orElse } from '../base/or-else.ts';
import { withOwnFolder } from './own-folder.ts';
import { type GitEnd, type GitEnvironment, lookGit, refusal } from './run-git.ts';
import { mayBeInGit } from './worktree-around.ts';

/** Dirty files whose size and time are noted, so that a later look can tell whether they were written since. */
const MOST_NOTED = 2_000;
/** A file's times may be this much behind the clock, in ms: the kernel's clock for them ticks more slowly. */
const TICK_MS = 10;

/** A repository, as seen from a folder. */
export interface Repository {
  /** The top of the worktree; of a bare repository, and in a `.git` folder, the folder itself. */
  top: string;
  /** The folder that all worktrees of the repository share. */
  common: string;
  hasWorktree: boolean;
}

/** What is checked out. */
export interface Head {
  /** The commit; absent before the first one. */
  head?: string | undefined;
  /** Absent if HEAD is detached. */
  branch?: string | undefined;
}

export type FileState = 'modified' | 'added' | 'deleted' | 'conflict' | 'untracked' | 'ignored';

/** A file that is not as in HEAD. */
export interface DirtyFile {
  /** From the top of the worktree. */
  path: string;
  state: FileState;
  /** Its size and when it was written, as one word; absent if that is not known. */
  mark?: string | undefined;
}

/**
 * The repository around a folder.
 * @returns undefined outside of one; then git is not even run
 * @throws MamError `refused` with git's reason, if git does not take it for one that it may read; and as `lookGit`
 */
export async function repositoryAround(folder: string, how: GitEnvironment): Promise<Repository | undefined> {
  if (!mayBeInGit(folder)) return undefined;
  const inside = await lookGit(folder, ['rev-parse', '--is-inside-work-tree'], how);
  if (/not a git repository/i.test(inside.stderr)) return undefined;
  const hasWorktree = answerOf(inside) === 'true';
  const [common, top] = await Promise.all([
    lookGit(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir'], how),
    hasWorktree ? lookGit(folder, ['rev-parse', '--show-toplevel'], how) : undefined,
  ]);
  return {
    top: top === undefined ? folder : answerOf(top),
    common: answerOf(common),
    hasWorktree,
  };
}

/** What is checked out in a folder. @throws MamError as `repositoryAround` */
export async function headOf(folder: string, how: GitEnvironment): Promise<Head> {
  const [commit, name] = await Promise.all([
    lookGit(folder, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], how),
    lookGit(folder, ['symbolic-ref', '--quiet', 'HEAD'], how),
  ]);
  const head = commit.code === 0 ? answerOf(commit) : undefined;
  const branch = name.code === 0 ? answerOf(name).replace(/^refs\/heads\//, '') : undefined;
  if (head === undefined && branch === undefined) throw refusal(commit);
  return { head, branch };
}

/**
 * The files of a worktree that are not as in HEAD. What changed inside a submodule is not looked at.
 * @param untracked also files that git does not follow, except ignored ones
 * @throws MamError as `repositoryAround`
 */
export async function dirtyFiles(
  { top }: Repository,
  untracked: boolean,
  how: GitEnvironment,
): Promise<DirtyFile[]> {
  const args = [
    ...['status', '--porcelain=v2', '-z', '--no-renames', '--ignore-submodules=dirty'],
    `--untracked-files=${untracked ? 'all' : 'no'}`,
  ];
  const status = await withOwnFolder(top, how, (own) => lookGit(top, args, own));
  if (status.code !== 0) throw refusal(status);
  const files = (await inPieces(status.stdout.split('\0'), statusFile)).flat();
  const noted = await inPieces(files.slice(0, MOST_NOTED), (file) => ({
    ...file,
    mark: markOf(join(top, file.path)),
  }));
  return [...noted, ...files.slice(MOST_NOTED)];
}

/** The files that `git status --porcelain=v2 -z --no-renames` names. */
export function statusFiles(printed: string): DirtyFile[] {
  return printed.split('\0').flatMap(statusFile);
}

/** The file of one of these entries, if it is about one. */
function statusFile(entry: string): DirtyFile[] {
  // The words before the name, by the kind of the entry.
  const words = { '1': 8, u: 10, '?': 1, '!': 1 }[entry[0] ?? ''];
  if (words === undefined) return [];
  const parts = entry.split(' ');
  return [{ path: parts.slice(words).join(' '), state: stateOf(entry[0], parts[1] ?? '') }];
}

function stateOf(kind: string | undefined, xy: string): FileState {
  if (kind === '?') return 'untracked';
  if (kind === '!') return 'ignored';
  if (kind === 'u') return 'conflict';
  if (xy.includes('D')) return 'deleted';
  return xy.startsWith('A') ? 'added' : 'modified';
}

function markOf(path: string): string | undefined {
  const seen = orElse(() => statSync(path, { bigint: true, throwIfNoEntry: false }), undefined);
  return seen === undefined ? 'none' : `${seen.size}-${seen.mtimeNs}-${seen.ino}`;
}

/** True if a file was written, made or moved there after a time. @param path absolute @param since ISO 8601 */
export function isWrittenSince(path: string, since: string): boolean {
  const seen = orElse(() => statSync(path, { throwIfNoEntry: false }), undefined);
  return seen !== undefined && seen.ctimeMs >= Date.parse(since) - TICK_MS;
}

/** What git has printed, without the end of its line. @throws MamError `refused` if it has failed */
export function answerOf(end: GitEnd): string {
  if (end.code !== 0) throw refusal(end);
  return end.stdout.replace(/\n$/, '');
}
