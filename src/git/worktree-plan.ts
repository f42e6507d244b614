import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { isSamePlace, nearestThere, realPlace } from '../base/real-place.ts';
import { sha256 } from '../base/sha256.ts';
import { inQuotes } from '../base/shell.ts';
import { counted } from '../base/text.ts';
import { withOwnFolder } from './own-folder.ts';
import { commitOf, tipOf } from './place.ts';
import {
  isWithin,
  type Listed,
  listWorktrees,
  mainFolder,
  repositoryName,
  type Surroundings,
  surroundings,
} from './repository.ts';
import { type GitEnvironment, gitWords, lookGit } from './run-git.ts';

/** About 25,000 files, 80 bytes each: git looks at them in 45 ms; at 200,000 it needs 350 (measured with git 2.39). */
const LARGE_INDEX_BYTES = 2 * 1024 * 1024;

/** What is wanted. */
export interface WorktreeWish {
  /** The caller's folder; absolute. */
  workdir: string;
  /** The branch, made if there is none; true: a new one with the job's id. */
  branch: string | true;
  jobId: string;
  /** Where a new branch begins, as git names commits; absent: the HEAD of `workdir`. */
  base?: string | undefined;
  /** The folder for all worktrees, absolute; absent: beside the repository. */
  worktrees?: string | undefined;
}

/** A worktree that could be made. Nothing is made yet. */
export interface WorktreePlan {
  folder: string;
  branch: string;
  /** A whole commit id. */
  base: string;
  repository: string;
  /** The branch does not exist yet. */
  new_branch: boolean;
  /** The caller's folder in the worktree. */
  workdir: string;
  warnings: string[];
}

/** The longest part of a folder's name that comes from a branch, in bytes: file systems take 255. */
const NAME_BYTES = 100;
const HASH_CHARS = 8;
const SHORT = 12;

/**
 * Decides on the branch, base and folder of a job's worktree, and changes nothing.
 * @throws MamError `bad_input`, `refused` or `conflict` for what can't be made, with what is there instead
 */
export async function planWorktree(wish: WorktreeWish, how: GitEnvironment): Promise<WorktreePlan> {
  const { workdir } = wish;
  const here = await surroundings(workdir, how);
  const worktrees = await listWorktrees(here.repository, how);
  const { branch, tip } = await branchOf(wish, here, worktrees, how);
  const base = await baseOf(wish, tip, how);
  const folder = await folderFor(wish, branch, here, worktrees, how);
  if (here.below !== '' && !(await isFolderIn(base, here.below, wish, how)))
    throw new MamError(
      'refused',
      `The folder ${here.below} is not in commit ${base.slice(0, SHORT)}, so a worktree of that does not have it.`,
      'Commit something in it first, or set workdir (`--workdir`) to a folder that is committed.',
    );
  return {
    ...{ folder, branch, base, repository: here.repository, new_branch: tip === undefined },
    workdir: here.below === '' ? folder : join(folder, here.below),
    warnings: await doubts(base, here, how),
  };
}

/** The branch, and its commit if it exists. */
async function branchOf(
  { branch: wanted, jobId, workdir, base }: WorktreeWish,
  { repository }: Surroundings,
  worktrees: readonly Listed[],
  how: GitEnvironment,
): Promise<{ branch: string; tip: string | undefined }> {
  if (wanted === true) {
    // Where a branch is called mam, git can't have another one below that name.
    const names = [`mam/${jobId}`, `mam-${jobId}`];
    for (const branch of names)
      if ((await inTheWay(branch, repository, how)) === undefined) return { branch, tip: undefined };
    throw new MamError('conflict', `There is a branch ${names[1]} already.`, 'Name a branch.');
  }
  // With `--branch` git would also take @{-1}, and say what it stands for.
  const check = await lookGit(workdir, ['check-ref-format', `refs/heads/${wanted}`], how);
  if (check.code !== 0 || wanted === 'HEAD' || wanted.startsWith('-') || wanted.startsWith('refs/'))
    throw new MamError(
      'bad_input',
      `${inQuotes(wanted)} can't be the name of a branch.`,
      'Use a name such as fix-login or feature/login, without blanks, .. or ~^:?*[\\.',
    );
  const other = worktrees.find((one) => one.branch === wanted);
  if (other !== undefined)
    throw new MamError(
      'conflict',
      `The branch ${wanted} is checked out in ${other.folder}: git has it in one worktree at a time.`,
      'Give another branch, and this one as base (`--base`): the work then begins at it.',
    );
  const tip = await tipOf(workdir, wanted, how);
  if (tip !== undefined) {
    const begins = base === undefined ? tip : await commitNamed(base, workdir, how);
    if (begins !== undefined && begins !== tip)
      throw new MamError(
        'conflict',
        `The branch ${wanted} exists, and is not at ${base}.`,
        'Leave out base (`--base`) to go on with the branch, or give a new branch.',
      );
    return { branch: wanted, tip };
  }
  const clash = await inTheWay(wanted, repository, how);
  if (clash !== undefined)
    throw new MamError(
      'conflict',
      `Git can't have a branch ${wanted} while there is a branch ${clash}.`,
      'Give another name.',
    );
  return { branch: wanted, tip: undefined };
}

/** A branch that keeps git from making another one: of the same name, or one that is a folder of the other. */
async function inTheWay(
  branch: string,
  repository: string,
  how: GitEnvironment,
): Promise<string | undefined> {
  const parts = branch.split('/');
  const above = parts.map((_, at) => `refs/heads/${parts.slice(0, at + 1).join('/')}`);
  const below = `refs/heads/${branch}/`;
  const end = await lookGit(repository, ['for-each-ref', '--format=%(refname)', ...above, below], how);
  const found = end.stdout.split('\n').filter(Boolean);
  // As a pattern, a name also matches everything below it.
  const clash = found.find((name) => above.includes(name) || name.startsWith(below));
  return clash?.replace(/^refs\/heads\//, '');
}

async function baseOf(
  { workdir, base }: WorktreeWish,
  tip: string | undefined,
  how: GitEnvironment,
): Promise<string> {
  if (tip !== undefined) return tip;
  const commit = await commitNamed(base ?? 'HEAD', workdir, how);
  if (commit !== undefined) return commit;
  if (base !== undefined)
    throw new MamError(
      'bad_input',
      `The base ${inQuotes(base)} is not a commit here.`,
      'Give a branch, a tag or a commit of this repository; `git fetch` gets those of others.',
    );
  const step = 'Make a first commit, or give a base (`--base`).';
  throw new MamError('refused', `The repository of ${workdir} has no commit yet.`, step);
}

/** The commit that a name stands for; undefined if it stands for none. */
async function commitNamed(name: string, folder: string, how: GitEnvironment): Promise<string | undefined> {
  // This would be a commit that is left out.
  return name === '' || name.startsWith('^') ? undefined : commitOf(folder, name, how);
}

/** @throws MamError `refused` for a place where no worktree may be */
async function folderFor(
  { worktrees: own }: WorktreeWish,
  branch: string,
  here: Surroundings,
  worktrees: readonly Listed[],
  how: GitEnvironment,
): Promise<string> {
  const main = await mainFolder(here, worktrees, how);
  const name = folderName(branch);
  const folder =
    own === undefined
      ? join(beside(main, here, worktrees), name)
      : join(realPlace(own), repositoryName(main), name);
  checkFree(folder, worktrees);
  const tops = worktrees.flatMap((one) => (one.isBare ? [] : [one.folder]));
  const outer = [...tops, ...here.around, here.repository, ...(here.top === undefined ? [] : [here.top])];
  const within = outer.find((one) => isWithin(folder, one));
  const step = 'Set `worktrees` in MAM_HOME/config.json (or MAM_WORKTREES) to a folder outside of it.';
  if (within !== undefined)
    throw new MamError('refused', `The worktree ${folder} would be inside ${within}.`, step);
  const parent = nearestThere(dirname(folder));
  try {
    accessSync(parent, constants.W_OK);
  } catch (error) {
    const what = `The worktree ${folder} can't be made: ${parent} can't be written (${systemCode(error) ?? 'unknown error'}).`;
    throw new MamError(
      'refused',
      what,
      'Set `worktrees` in MAM_HOME/config.json (or MAM_WORKTREES) to one of your folders.',
    );
  }
  return folder;
}

/** Where the worktrees of a repository are by default. */
function beside(main: string, { repository, around }: Surroundings, worktrees: readonly Listed[]): string {
  const outermost = around.at(-1);
  const name = `${repositoryName(main)}.worktrees`;
  // Beside a submodule would be in the repository around it.
  if (outermost !== undefined) return join(dirname(outermost), name);
  if (main !== repository) return join(dirname(main), name);
  // A bare repository: beside the worktrees that it has, or in the folder that was made for them.
  const linked = worktrees.find((one) => !one.isBare && !isSamePlace(one.folder, repository));
  if (linked !== undefined) return dirname(linked.folder);
  return basename(main).startsWith('.') ? dirname(main) : join(dirname(main), name);
}

/** A branch's name as that of a folder. */
export function folderName(branch: string): string {
  const name = branch.replaceAll('/', '-');
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  let begin = name;
  while (Buffer.byteLength(begin) > NAME_BYTES - HASH_CHARS - 1) begin = [...begin].slice(0, -1).join('');
  return `${begin}-${sha256(branch).slice(0, HASH_CHARS)}`;
}

function checkFree(folder: string, worktrees: readonly Listed[]): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (worktrees.some((one) => isSamePlace(one.folder, folder) || one.folder === folder)) {
    const gone = stat === undefined;
    throw new MamError(
      'conflict',
      gone
        ? `Git still lists a worktree in ${folder}, which is gone.`
        : `There is a worktree in ${folder} already.`,
      gone ? 'Run `git worktree prune`, or give another branch.' : 'Give another branch.',
    );
  }
  if (stat === undefined) return;
  const isEmpty = stat.isDirectory() && orElse(() => readdirSync(folder).length === 0, false);
  if (!isEmpty)
    throw new MamError('conflict', `${folder} exists already.`, 'Move it away, or give another branch.');
}

async function isFolderIn(
  base: string,
  below: string,
  { workdir }: WorktreeWish,
  how: GitEnvironment,
): Promise<boolean> {
  const end = await lookGit(workdir, ['cat-file', '-t', `${base}:${below}`], how);
  return end.code === 0 && end.stdout.trim() === 'tree';
}

/** True for an index of so many files that a delegation would wait for git to look at them. */
function isLarge(index = ''): boolean {
  return orElse(() => statSync(index).size, 0) > LARGE_INDEX_BYTES;
}

/** What a worktree of this commit does not have, though one may expect it. */
async function doubts(
  base: string,
  { top, repository }: Surroundings,
  how: GitEnvironment,
): Promise<string[]> {
  const found: string[] = [];
  if (top !== undefined) {
    const args = ['status', '--porcelain', '-z', '--untracked-files=no', '--no-renames'];
    // Git is not run in submodules: their configuration may name programs of its own.
    const all = [...args, '--ignore-submodules=dirty'];
    const begins = `The worktree begins at commit ${base.slice(0, SHORT)}, without`;
    const end = await withOwnFolder(top, how, async (own) =>
      isLarge(own.git?.['GIT_INDEX_FILE']) ? undefined : lookGit(top, all, own),
    );
    const count = (end?.stdout.split('\0').length ?? 1) - 1;
    if (end === undefined) found.push(`${begins} whatever is not committed in ${top}.`);
    else if (end.code !== 0)
      found.push(`Git does not say whether ${top} has uncommitted changes: ${gitWords(end)}.`);
    else if (count > 0)
      found.push(`${begins} the uncommitted changes of ${counted(count, 'file')} in ${top}.`);
  }
  const modules = await lookGit(top ?? repository, ['cat-file', '-e', `${base}:.gitmodules`], how);
  if (modules.code === 0)
    found.push(
      'The submodules of the repository are not in the worktree: `git submodule update --init --recursive` gets them, for instance in .mam/worktree-setup.',
    );
  return found;
}
