import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { namesIn } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { isSamePlace } from '../base/real-place.ts';
import { cleanLine } from '../base/text.ts';
import { withOwnFolder } from './own-folder.ts';
import { tipOf } from './place.ts';
import { type JobWorktree, type Keeper, whatKeeps } from './removable.ts';
import { listWorktrees } from './repository.ts';
import { actGit, type GitEnd, type GitEnvironment, gitWords, lookGit } from './run-git.ts';

/** What is left of a job's worktree. */
export interface WorktreeLook {
  /** `part`: its removal had begun. `gone`: only git's note of it is left. `none`: not even that. */
  state: 'there' | 'part' | 'gone' | 'none';
  /** Git's note of it: its own git folder. */
  note?: string;
  /** The commit that is checked out in it. */
  head?: string | undefined;
  /** The commit at the end of its branch; absent if the branch is gone. */
  tip?: string | undefined;
  /** True if no other branch has all commits of its branch. */
  isUnmerged: boolean;
  /** Why it must not be removed. */
  keepers: Keeper[];
}

/**
 * Looks at a job's worktree before it is removed, and changes nothing.
 * @param begunAt when its removal had begun before, in ms since 1970: then files that are missing are ours
 * @throws MamError `not_found` if its repository is gone, `refused` if its folder is something else by now, `unavailable`
 *   if git can't say
 */
export async function lookAtWorktree(
  tree: JobWorktree,
  begunAt: number | undefined,
  how: GitEnvironment,
): Promise<WorktreeLook> {
  const { folder, repository, branch } = tree;
  if (!existsSync(repository))
    throw new MamError('not_found', `The repository ${repository} is gone.`, 'Nothing was removed.');
  const tip = await tipOf(repository, branch, how);
  const isUnmerged = tip !== undefined && (await isOnlyIn(repository, branch, tip, how));
  const note = noteOf(tree);
  const known = { tip, isUnmerged, keepers: [] };
  if (!existsSync(folder) && note === undefined) return { state: 'none', ...known };
  if (note === undefined) throw isOther(tree);
  const head = (await lookGit(repository, ['rev-parse', '--verify', '--quiet', 'HEAD'], inNote(note, how)))
    .stdout;
  const noted = { ...known, note, head: head.trimEnd() || undefined };
  if (!existsSync(folder)) return { state: 'gone', ...noted, keepers: await lost(repository, note, how) };
  const isWhole = existsSync(join(folder, '.git'));
  const keepers = isWhole || begunAt === undefined ? await whatKeeps(tree, how) : [];
  if (keepers.some(({ kind }) => kind === 'other')) throw isOther(tree);
  if (isWhole && keepers.length === 0) return { state: 'there', ...noted, keepers };
  if (begunAt !== undefined) {
    const since = await newIn(tree, note, begunAt, how);
    return { state: 'part', ...noted, keepers: [...keepers.filter(staysKept), ...since] };
  }
  return { state: 'there', ...noted, keepers };
}

/**
 * Removes a worktree that was looked at. What is left after a crash, the next call removes.
 * @param force also with files and commits that no branch has
 * @throws MamError `refused` with git's words
 */
export async function removeWorktree(
  { folder, repository }: JobWorktree,
  { state, note }: WorktreeLook,
  force: boolean,
  how: GitEnvironment,
): Promise<void> {
  if (state === 'none') return;
  // All that is left was looked at. Git refuses to go on where it was ended: files are missing.
  if (state === 'part') await rm(folder, { recursive: true, force: true });
  const args = ['worktree', 'remove', ...(force ? ['--force'] : []), folder];
  const end = await actGit(repository, args, how);
  if (end.code !== 0 && existsSync(note ?? folder)) throw refusal(`The worktree ${folder}`, end);
}

/**
 * Deletes a branch that no worktree has.
 * @param tip its last commit: another one means that it has gone on meanwhile
 * @throws MamError `conflict` if it has, `refused` with git's words
 */
export async function deleteBranch(
  repository: string,
  branch: string,
  tip: string,
  how: GitEnvironment,
): Promise<void> {
  const now = await tipOf(repository, branch, how);
  if (now === undefined) return;
  if (now !== tip)
    throw new MamError('conflict', `${branch} has new commits meanwhile.`, 'Look at them, then try again.');
  const places = (await listWorktrees(repository, how)).filter((one) => one.branch === branch);
  if (places[0] !== undefined)
    throw new MamError('conflict', `${branch} is checked out in ${places[0].folder}, so it stays.`);
  // Not `branch -D`: only if its last commit is still this one.
  const end = await actGit(repository, ['update-ref', '-d', `refs/heads/${branch}`, tip], how);
  if (end.code !== 0) throw refusal(`The branch ${branch}`, end);
  // It may have none.
  await actGit(repository, ['config', '--local', '--remove-section', `branch.${branch}`], how);
}

/** Git's own folder for a linked worktree, which names the worktree's `.git` file. */
function noteOf({ folder, repository }: JobWorktree): string | undefined {
  const all = join(repository, 'worktrees');
  return namesIn(all)
    .map((name) => join(all, name))
    .find((note) => {
      const file = orElse(() => readFileSync(join(note, 'gitdir'), 'utf8').replace(/\n$/, ''), '');
      if (file === '') return false;
      // Newer versions of git can write it relative to their folder.
      const place = dirname(file.startsWith('/') ? file : join(note, file));
      return place === folder || isSamePlace(place, folder);
    });
}

/** Asks git about a worktree by its git folder: of a half removed one, the `.git` file may be gone. */
function inNote(note: string, how: GitEnvironment, folder?: string): GitEnvironment {
  const tree = folder === undefined ? {} : { GIT_WORK_TREE: folder };
  return { ...how, git: { ...how.git, GIT_DIR: note, ...tree } };
}

async function isOnlyIn(
  repository: string,
  branch: string,
  tip: string,
  how: GitEnvironment,
): Promise<boolean> {
  const others = ['--not', `--exclude=${branch}`, '--branches', '--remotes', '--tags'];
  return (await lookGit(repository, ['rev-list', '--max-count=1', tip, ...others], how)).stdout !== '';
}

/** Commits of a worktree whose folder is gone, that no branch has. */
async function lost(repository: string, note: string, how: GitEnvironment): Promise<Keeper[]> {
  const args = ['rev-list', '--max-count=1', 'HEAD', '--not', '--branches', '--remotes'];
  const { code, stdout } = await lookGit(repository, args, inNote(note, how));
  const commit = stdout.trimEnd();
  return code !== 0 || commit === ''
    ? []
    : [{ kind: 'lost', what: `the commit ${commit} that no branch has` }];
}

/** What came into a worktree after its removal had begun: everything else was looked at before. */
async function newIn(
  { folder }: JobWorktree,
  note: string,
  begunAt: number,
  how: GitEnvironment,
): Promise<Keeper[]> {
  const there = inNote(note, how, folder);
  const args = ['status', '--porcelain=v2', '-z', '--untracked-files=all', '--no-renames'];
  const all = [...args, '--ignore-submodules=dirty'];
  const end = await withOwnFolder(folder, there, (own) => lookGit(folder, all, own));
  const changed = end.stdout.split('\0').filter((entry) => entry !== '' && !/^1 \.D /.test(entry));
  if (end.code !== 0 || changed.length > 0) {
    const name = cleanLine((changed[0] ?? '').split(' ').at(-1) ?? '', 80);
    return [{ kind: 'changes', what: `a change since its removal began (${name || gitWords(end)})` }];
  }
  const file = await newFile(folder, begunAt);
  return file === undefined
    ? []
    : [{ kind: 'ignored', what: `a new file since its removal began (${cleanLine(file, 80)})` }];
}

/** True for what a removal that has begun does not explain: it was there before, or has come since. */
function staysKept({ kind }: Keeper): boolean {
  return kind === 'locked' || kind === 'lost';
}

/** A file below a folder that was made or written after a time. */
async function newFile(folder: string, time: number): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const found = entry.isDirectory()
      ? await newFile(path, time)
      : orElse(() => (lstatSync(path).mtimeMs > time ? path : undefined), undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isOther({ folder, repository }: JobWorktree): MamError {
  return new MamError(
    'refused',
    `${folder} is no longer a worktree of ${repository}, so it is not removed.`,
    'Look at it, and remove it by hand if nobody needs it.',
  );
}

function refusal(what: string, end: GitEnd): MamError {
  return new MamError('refused', `${what} was not removed. Git says: ${gitWords(end)}`);
}
