import { answerOf, type Head } from './look.ts';
import { type ChangedFile, numstatFiles } from './numstat.ts';
import { type GitEnvironment, lookGit, refusal } from './run-git.ts';

const DIFF = ['--no-ext-diff', '--no-textconv', '--no-color', '--find-renames', '--ignore-submodules=dirty'];

/** A commit with the first line of its message. */
export interface Commit {
  id: string;
  subject: string;
}

/** What differs between two commits. */
export interface Between {
  /** How many commits only the later one has, and the newest of them. */
  commit_count: number;
  commits: Commit[];
  /** How many commits only the earlier one has: none, unless something else was checked out or history rewritten. */
  left_behind: number;
  files: ChangedFile[];
}

/**
 * What differs between what was checked out at two times.
 * @param most how many commits are named
 * @throws MamError `refused` if git no longer has one of the commits; and as `lookGit`
 */
export async function between(
  folder: string,
  { head: start }: Head,
  { head: end }: Head,
  most: number,
  how: GitEnvironment,
): Promise<Between> {
  const none = { commit_count: 0, commits: [], left_behind: 0, files: [] };
  if (start === end) return none;
  const list = (...args: string[]) => lookGit(folder, ['rev-list', ...args, '--'], how);
  if (end === undefined)
    return { ...none, left_behind: Number(answerOf(await list('--count', start ?? ''))) };
  const range = start === undefined ? end : `${start}..${end}`;
  const [counts, named, files] = await Promise.all([
    start === undefined ? list('--count', end) : list('--left-right', '--count', `${start}...${end}`),
    list(`--max-count=${most}`, '--format=:%s', range),
    changedFiles(folder, start === undefined ? [await emptyTree(folder, how), end] : [start, end], how),
  ]);
  const words = answerOf(counts).split(/\s+/).map(Number);
  const [left_behind = 0, commit_count = 0] = start === undefined ? [0, ...words] : words;
  return { commit_count, left_behind, commits: commitsIn(answerOf(named)), files };
}

/**
 * The files that differ between two commits, or between one and the files on the disk.
 * @param how for files on the disk: `withOwnFolder`
 * @throws MamError as `between`
 */
export async function changedFiles(
  folder: string,
  commits: readonly string[],
  how: GitEnvironment,
): Promise<ChangedFile[]> {
  const diff = await lookGit(folder, ['diff', '--numstat', '-z', ...DIFF, ...commits, '--'], how);
  if (diff.code !== 0) throw refusal(diff);
  return numstatFiles(diff.stdout);
}

/** True if a branch, a tag or another ref has the commit. @throws MamError as `lookGit` */
export async function isOnRef(folder: string, commit: string, how: GitEnvironment): Promise<boolean> {
  const refs = await lookGit(folder, ['for-each-ref', '--count=1', `--contains=${commit}`], how);
  return refs.code === 0 && refs.stdout !== '';
}

/** Each commit has a line of git's own with its id, and one with a colon before its subject. */
function commitsIn(printed: string): Commit[] {
  return [...printed.matchAll(/^commit ([0-9a-f]+)\n:(.*)$/gm)].map(([, id = '', subject = '']) => ({
    id,
    subject,
  }));
}

async function emptyTree(folder: string, how: GitEnvironment): Promise<string> {
  return answerOf(await lookGit(folder, ['hash-object', '-t', 'tree', '/dev/null'], how));
}
