import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { namesIn, removeIfEmpty } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { isSamePlace } from '../base/real-place.ts';
import { cleanLine } from '../base/text.ts';
import { commitOf, tipOf } from './place.ts';
import { type Keeper, whatKeeps } from './removable.ts';
import { actGit, actGitInto, type GitEnvironment, gitWords, lookGit, lookGitBytes } from './run-git.ts';

/** A worktree to make. */
export interface WorktreeOrder {
  folder: string;
  branch: string;
  /** A whole commit id: where a new branch begins. */
  base: string;
  repository: string;
  new_branch: boolean;
  /** The job that it is for: a half-made worktree is known by it. */
  jobId: string;
}

/** What tells the worktree of a job. */
type OfJob = Pick<WorktreeOrder, 'folder' | 'repository' | 'jobId'>;

/** The file in a worktree's git folder that names its job. */
const MARK = 'mam-job';
const NAME_CHARS = 80;
/** Git writes few files at the same time; more than these were not left by it half written. */
const MOST_HALF_WRITTEN = 100;
/** What stays where it is when a worktree is removed. */
const ON_ITS_BRANCH: Keeper['kind'] = 'unmerged';
/** The largest file that is compared, in bytes. */
const FILE_BYTES = 1024 * 1024 * 1024;

/**
 * Makes a job's worktree, or goes on with what a killed process has left of it: `git worktree add` locks it with the name
 * of its job until `releaseWorktree`. Only files of git's own checkout are written again, never one of somebody else's.
 * @param output file for what git and its hooks print
 * @returns the commit that it begins at, and what git says if something else has failed, such as a hook
 * @throws MamError `conflict` when something else is there by now, `unavailable` with git's words
 */
export async function makeWorktree(
  order: WorktreeOrder,
  output: string,
  how: GitEnvironment,
): Promise<{ base: string; problem?: string }> {
  const { repository, folder, branch } = order;
  const own = ownAdmin(order);
  if (own !== undefined) {
    if (!leadsTo(folder, own) || isEmptyWorktree(folder)) forget(own, folder);
    else {
      await complete(order, own, how);
      return { base: await headOf(folder, how) };
    }
  }
  const tip = await tipOf(repository, branch, how);
  if (order.new_branch && tip !== undefined && tip !== order.base)
    throw new MamError(
      'conflict',
      `Somebody has made a branch ${branch} meanwhile.`,
      'Delegate the job again, with another branch.',
    );
  if (!order.new_branch && tip === undefined)
    throw new MamError('conflict', `The branch ${branch} is gone.`, 'Delegate the job again.');
  mkdirSync(dirname(folder), { recursive: true });
  const what =
    tip === undefined ? ['--no-track', '-b', branch, '--', folder, order.base] : ['--', folder, branch];
  const args = ['worktree', 'add', '--quiet', '--lock', '--reason', reasonFor(order), ...what];
  const end = await actGitInto(output, repository, args, how);
  const made = ownAdmin(order);
  // A hook after the checkout may fail: then git says so, though the worktree is whole.
  if (made === undefined || (end.code !== 0 && !(await isWhole(folder, how)))) {
    throw new MamError(
      'unavailable',
      `Git could not make the worktree ${folder}: ${gitWords(end)}.`,
      'Do what git says, and delegate the job again.',
    );
  }
  mark(made, order);
  return { base: await headOf(folder, how), ...(end.code !== 0 && { problem: gitWords(end) }) };
}

/** Removes git's lock from a worktree that is ready for its job. @throws MamError `unavailable` with git's words */
export async function releaseWorktree(order: OfJob, how: GitEnvironment): Promise<void> {
  const admin = ownAdmin(order);
  if (admin === undefined || lockOf(admin) !== reasonFor(order)) return;
  const end = await actGit(order.repository, ['worktree', 'unlock', '--', order.folder], how);
  if (end.code !== 0 && existsSync(join(admin, 'locked')))
    throw new MamError('unavailable', `Git could not unlock ${order.folder}: ${gitWords(end)}.`);
}

/**
 * Gives up a worktree that its job will never use: it is removed if it has nothing but its commit, and else only unlocked,
 * so that a person can look at it and remove it. Its branch stays.
 * @throws MamError as `whatKeeps` and `releaseWorktree`
 */
export async function giveUpWorktree(order: WorktreeOrder, how: GitEnvironment): Promise<void> {
  const { folder, repository } = order;
  const own = ownAdmin(order);
  if (own === undefined) return;
  if (!leadsTo(folder, own) || isEmptyWorktree(folder)) {
    forget(own, folder);
    return;
  }
  await releaseWorktree(order, how);
  const keepers = await whatKeeps(order, how);
  if (keepers.every(({ kind }) => kind === ON_ITS_BRANCH))
    await actGit(repository, ['worktree', 'remove', '--', folder], how);
}

/** The git folder of a worktree that was made for this job, whole or not. */
function ownAdmin({ repository, jobId, folder }: OfJob): string | undefined {
  const all = join(repository, 'worktrees');
  return namesIn(all)
    .map((name) => join(all, name))
    .find((admin) => {
      const isOwn = lockOf(admin) === reasonFor({ jobId }) || textOf(join(admin, MARK)) === jobId;
      const named = textOf(join(admin, 'gitdir'));
      // Git can write it relative to its folder.
      const place = dirname(resolve(admin, named));
      return isOwn && (named === '' || place === folder || isSamePlace(place, folder));
    });
}

function reasonFor({ jobId }: Pick<WorktreeOrder, 'jobId'>): string {
  return `mam prepares it for job ${jobId}`;
}

function lockOf(admin: string): string {
  return textOf(join(admin, 'locked'));
}

/** The mark stays when the lock is removed, so that a crash between the two is no riddle. */
function mark(admin: string, { jobId }: WorktreeOrder): void {
  writeFileSync(join(admin, MARK), `${jobId}\n`);
}

/** True for a folder in which git has begun nothing but its link to the repository. */
function isEmptyWorktree(folder: string): boolean {
  return orElse(() => readdirSync(folder), []).every((name) => name === '.git');
}

/** True for a folder whose `.git` file names this git folder, so that git works in it. */
function leadsTo(folder: string, admin: string): boolean {
  const named = linkOf(folder);
  return named !== undefined && isSamePlace(named, admin) && existsSync(join(admin, 'HEAD'));
}

/** The git folder that a worktree's `.git` file names, absolute: git can write it relative to the worktree. */
function linkOf(folder: string): string | undefined {
  const named = /^gitdir: (.+)$/s.exec(textOf(join(folder, '.git')))?.[1];
  return named === undefined ? undefined : resolve(folder, named);
}

/** Undoes what git had only begun. */
function forget(admin: string, folder: string): void {
  const named = linkOf(folder);
  const isLink = named !== undefined && isSamePlace(named, admin);
  if (isLink && isEmptyWorktree(folder)) rmSync(join(folder, '.git'));
  removeIfEmpty(folder);
  rmSync(admin, { recursive: true, force: true });
}

/**
 * Ends a checkout that was killed: writes the files that are missing, and those that git had only begun to write.
 * @throws MamError `conflict` for a file that git has not left
 */
async function complete(order: WorktreeOrder, admin: string, how: GitEnvironment): Promise<void> {
  const { folder, branch } = order;
  if (textOf(join(admin, MARK)) === order.jobId) return;
  rmSync(join(admin, 'index.lock'), { force: true });
  await act(folder, ['read-tree', '--reset', 'HEAD'], how);
  // Ends with 1 if files differ.
  await actGit(folder, ['update-index', '-q', '--refresh'], how);
  const changed = await lookGitBytes(folder, ['diff-files', '-z', '--name-only', '--diff-filter=MT'], how);
  const names = changed.stdout.toString('latin1').split('\0').filter(Boolean);
  for (const [at, name] of names.entries()) {
    if (at < MOST_HALF_WRITTEN && (await isHalfWritten(folder, Buffer.from(name, 'latin1'), how))) continue;
    const shown = cleanLine(Buffer.from(name, 'latin1').toString(), NAME_CHARS);
    throw new MamError(
      'conflict',
      `Making the worktree ${folder} was interrupted, and ${shown} in it is not as git would have left it.`,
      'Look at it, remove the worktree (`git worktree remove --force --force`), and delegate the job again.',
    );
  }
  // With the hook of a checkout, which the killed one may not have run.
  const end = await actGit(folder, ['checkout', '--quiet', '--force', branch, '--'], how);
  if (end.code !== 0 && !(await isWhole(folder, how)))
    throw new MamError(
      'unavailable',
      `Git could not make the worktree ${folder}: ${gitWords(end)}.`,
      'Delegate the job again.',
    );
  mark(admin, order);
}

/** True for a file that has the beginning of what git writes there. @param name as git prints it: it may be no UTF-8 */
async function isHalfWritten(folder: string, name: Buffer, how: GitEnvironment): Promise<boolean> {
  const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
  const there = await readFile(path).catch(() => undefined);
  if (there === undefined) return false;
  const bytes = { ...how, mostBytes: FILE_BYTES };
  const whole = await lookGitBytes(folder, ['cat-file', '--filters', `HEAD:${name.toString()}`], bytes);
  return whole.code === 0 && there.equals(whole.stdout.subarray(0, there.length));
}

/** True for a worktree with everything that its commit has. */
async function isWhole(folder: string, how: GitEnvironment): Promise<boolean> {
  const end = await lookGit(
    folder,
    ['diff', '--quiet', '--no-ext-diff', '--no-textconv', 'HEAD', '--'],
    how,
  ).catch(() => undefined);
  return end?.code === 0;
}

async function headOf(folder: string, how: GitEnvironment): Promise<string> {
  const commit = await commitOf(folder, 'HEAD', how);
  if (commit === undefined)
    throw new MamError('unavailable', `The worktree ${folder} has no commit.`, 'Delegate the job again.');
  return commit;
}

async function act(folder: string, args: string[], how: GitEnvironment): Promise<void> {
  const end = await actGit(folder, args, how);
  if (end.code !== 0)
    throw new MamError(
      'unavailable',
      `Git could not make the worktree ${folder}: ${gitWords(end)}.`,
      'Delegate the job again.',
    );
}

/** A small file's text without the last line break; empty if there is none. */
function textOf(path: string): string {
  return orElse(() => readFileSync(path, 'utf8').trimEnd(), '');
}
