import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { processesIn } from '../base/processes.ts';
import { isSamePlace, realPlace } from '../base/real-place.ts';
import { cleanLine, counted, someOf } from '../base/text.ts';
import { changedSince } from './changed-since.ts';
import { type FileState, statusFiles } from './look.ts';
import { withOwnFolder } from './own-folder.ts';
import { isWithin } from './repository.ts';
import { type GitEnvironment, gitWords, lookGit } from './run-git.ts';

/** A worktree that was made for a job. */
export interface JobWorktree {
  /** Absolute. */
  folder: string;
  /** The git folder that it shares with the other worktrees of its repository. */
  repository: string;
  /** The branch that was made for it, without `refs/heads/`. */
  branch: string;
  /** When it was ready for its job, ISO 8601: ignored files that have not changed since can be made again. */
  ready_at?: string | undefined;
}

/**
 * One thing that a worktree holds and no branch has, or that is under way in it.
 *
 * - `other`: the folder is not that worktree any more, so nobody knows what is in it.
 * - `locked`: git was told to keep it. `under_way`: a merge, a rebase or the like. `in_use`: processes work in it.
 * - `changes`, `untracked`, `ignored`, `hidden` (git was told not to look at them), `submodules`: files.
 * - `unmerged`: commits that only its own branch has. `lost`: commits that no branch has at all.
 */
export interface Keeper {
  kind:
    | 'other'
    | 'locked'
    | 'under_way'
    | 'in_use'
    | 'changes'
    | 'untracked'
    | 'ignored'
    | 'hidden'
    | 'submodules'
    | 'unmerged'
    | 'lost';
  /** For people, as the end of a sentence after "it has". */
  what: string;
}

const NAMED = 3;
const CHANGES: readonly FileState[] = ['modified', 'added', 'deleted', 'conflict'];
const NAME_CHARS = 80;
/** A line of `ls-files` for each file of a large repository, in bytes. */
const ALL_FILES_BYTES = 256 * 1024 * 1024;
/** With signatures it would run the program that the repository names for them. */
const LOG = ['log', '--no-show-signature', '-g'];
/** A line of `ls-files -v --stage` for a submodule. */
const SUBMODULE = /^. 160000 /;
/** More commits than this are not counted. */
const MOST_COMMITS = 1_000;
/** Files in a worktree's git folder that are there while a command is half done. */
const UNDER_WAY: Readonly<Record<string, string>> = {
  MERGE_HEAD: 'a merge that is not finished',
  'rebase-merge': 'a rebase that is not finished',
  'rebase-apply': 'a rebase that is not finished',
  CHERRY_PICK_HEAD: 'a cherry-pick that is not finished',
  REVERT_HEAD: 'a revert that is not finished',
  BISECT_LOG: 'a bisect that is not finished',
};
const INDEX_LOCK = { 'index.lock': 'a git command that is running, or was killed (index.lock)' };

/**
 * Everything for which a worktree must not be removed; nothing for one whose whole content some other branch has, or that
 * can be made again. It changes nothing.
 * @throws MamError `not_found` if its folder is gone, `unavailable` if git can't say
 */
export async function whatKeeps(tree: JobWorktree, how: GitEnvironment): Promise<Keeper[]> {
  const { folder } = tree;
  if (!existsSync(folder)) {
    const step = '`git worktree prune` in its repository forgets it; its branch stays.';
    throw new MamError('not_found', `The worktree ${folder} is gone.`, step);
  }
  const gitFolder = await ownGitFolder(tree, how);
  if (gitFolder === undefined)
    return [{ kind: 'other', what: `become something else than a worktree of ${tree.repository}` }];
  return [
    ...lock(gitFolder),
    ...underWay(gitFolder, { ...UNDER_WAY, ...INDEX_LOCK }),
    ...inUse(realPlace(folder)),
    ...(await files(tree, how)),
    ...(await indexed(folder, gitFolder, how)),
    ...(await commits(tree, how)),
  ];
}

/** What a worktree has, as the end of a sentence. */
export function keptWords(keepers: readonly Keeper[]): string {
  return keepers.map(({ what }) => what).join(', and ');
}

/** The git folder of a linked worktree; nothing if the folder is not one of this repository, or no longer its top. */
async function ownGitFolder(
  { folder, repository }: JobWorktree,
  how: GitEnvironment,
): Promise<string | undefined> {
  const ask = async (what: string) => {
    const end = await lookGit(folder, ['rev-parse', '--path-format=absolute', what], how);
    return end.code === 0 ? end.stdout.replace(/\n$/, '') : undefined;
  };
  const [top, common, own] = [
    await ask('--show-toplevel'),
    await ask('--git-common-dir'),
    await ask('--git-dir'),
  ];
  if (top === undefined || common === undefined || own === undefined || own === common) return undefined;
  return isSamePlace(top, folder) && isSamePlace(common, repository) ? own : undefined;
}

function lock(gitFolder: string): Keeper[] {
  const reason = orElse(() => readFileSync(join(gitFolder, 'locked'), 'utf8'), undefined);
  if (reason === undefined) return [];
  const words = cleanLine(reason, NAME_CHARS);
  return [{ kind: 'locked', what: `a lock of git${words === '' ? '' : ` ("${words}")`}` }];
}

/** What is half done in a worktree and waits for someone to end it. @param gitFolder its own one */
export function underWay(gitFolder: string, files = UNDER_WAY): Keeper[] {
  const found = Object.entries(files).filter(([name]) => existsSync(join(gitFolder, name)));
  return found.map(([, what]) => ({ kind: 'under_way', what }));
}

function inUse(folder: string): Keeper[] {
  const pids = processesIn(folder);
  if (pids.length === 0) return [];
  const ids = someOf(pids, NAMED);
  return [{ kind: 'in_use', what: `${counted(pids.length, 'process', 'processes')} at work in it (${ids})` }];
}

async function files({ folder, ready_at }: JobWorktree, how: GitEnvironment): Promise<Keeper[]> {
  const args = [
    'status',
    '--porcelain=v2',
    '-z',
    '--untracked-files=normal',
    '--ignored=traditional',
    '--no-renames',
  ];
  // Git is not run in submodules: their configuration may name programs of its own.
  const all = [...args, '--ignore-submodules=dirty'];
  const end = await withOwnFolder(folder, how, (own) => lookGit(folder, all, own));
  if (end.code !== 0) throw unsaid(folder, gitWords(end));
  const found = statusFiles(end.stdout);
  const named = (...states: FileState[]) =>
    found.filter(({ state }) => states.includes(state)).map(({ path }) => path);
  const ready = ready_at === undefined ? Number.NaN : Date.parse(ready_at);
  const isNew = (name: string) => Number.isNaN(ready) || changedSince(join(folder, name), ready);
  const ignored: string[] = [];
  for (const name of named('ignored')) if (await isNew(name)) ignored.push(name);
  return [
    ...list('changes', named(...CHANGES), 'file with changes', 'files with changes'),
    ...list('untracked', named('untracked'), 'untracked file or folder', 'untracked files or folders'),
    ...list(
      'ignored',
      ignored,
      'ignored file or folder that no branch has',
      'ignored files or folders that no branch has',
    ),
  ];
}

/**
 * What only the index tells: files that git was told to take for unchanged may have any content, and a submodule may have
 * a repository of its own, with commits and branches, here or in the worktree's git folder.
 */
async function indexed(folder: string, gitFolder: string, how: GitEnvironment): Promise<Keeper[]> {
  const args = ['ls-files', '-z', '-v', '--stage'];
  const end = await lookGit(folder, args, { ...how, mostBytes: ALL_FILES_BYTES });
  if (end.code !== 0) throw unsaid(folder, gitWords(end));
  const hidden: string[] = [];
  const modules = new Set(orElse(() => readdirSync(join(gitFolder, 'modules')), []));
  for (const entry of end.stdout.split('\0')) {
    const name = entry.slice(entry.indexOf('\t') + 1);
    // A small letter: assumed to be unchanged. S: outside of a sparse checkout, where there should be no file.
    if (/^[a-z]/.test(entry) || (entry.startsWith('S ') && (await isThere(join(folder, name)))))
      hidden.push(name);
    if (SUBMODULE.test(entry) && isElsewhere(join(folder, name), join(gitFolder, 'modules')))
      modules.add(name);
  }
  return [
    ...list(
      'hidden',
      hidden,
      'file that git was told not to look at',
      'files that git was told not to look at',
    ),
    ...list(
      'submodules',
      [...modules],
      'submodule with a repository of its own',
      'submodules with repositories of their own',
    ),
  ];
}

/** True for a folder with a repository that is not in the given one. */
function isElsewhere(folder: string, modules: string): boolean {
  const link = join(folder, '.git');
  if (!existsSync(link)) return false;
  const named = orElse(() => /^gitdir: (.+)\n?$/s.exec(readFileSync(link, 'utf8'))?.[1], undefined);
  return named === undefined || !isWithin(realPlace(resolve(folder, named)), realPlace(modules));
}

async function commits({ folder, branch }: JobWorktree, how: GitEnvironment): Promise<Keeper[]> {
  const ask = async (...args: string[]) => {
    const end = await lookGit(folder, args, how);
    return end.code === 0 ? end.stdout.split('\n').filter((line) => line !== '') : [];
  };
  const [current] = await ask('symbolic-ref', '--quiet', 'HEAD');
  const own = new Set([branch, current?.replace(/^refs\/heads\//, '')].filter((one) => one !== undefined));
  const tips = [
    ...(await ask('rev-parse', '--quiet', '--verify', 'HEAD^{commit}')),
    ...(await ask('rev-parse', '--quiet', '--verify', `refs/heads/${branch}^{commit}`)),
  ];
  const left = [
    ...(await ask('for-each-ref', '--format=%(objectname)', 'refs/worktree')),
    ...(await leftBehind(ask)),
  ];
  const excluded = [...own].map((name) => `--exclude=${name}`);
  const count = async (wanted: string[], but: string[]) =>
    wanted.length === 0
      ? 0
      : (await ask('rev-list', `--max-count=${MOST_COMMITS}`, ...new Set(wanted), '--not', ...but)).length;
  const lost = await count([...tips, ...left], ['--branches', '--remotes']);
  const unmerged = await count(tips, [...excluded, '--branches', '--remotes']);
  return [
    ...(lost === 0 ? [] : [{ kind: 'lost' as const, what: `${counted(lost, 'commit')} that no branch has` }]),
    ...(unmerged <= lost
      ? []
      : [{ kind: 'unmerged' as const, what: `${counted(unmerged, 'commit')} that no other branch has` }]),
  ];
}

/**
 * Commits that HEAD has left: made without a branch, and known only to this worktree. The steps of a rebase are no work of
 * anybody's, and the log of a branch outlives the worktree.
 */
async function leftBehind(ask: (...args: string[]) => Promise<string[]>): Promise<string[]> {
  const log = await ask(...LOG, '--format=%H %gs', 'HEAD', '--');
  const steps = log.flatMap((line) => {
    const [commit = '', action = ''] = line.split(' ', 2);
    return action.startsWith('rebase') ? [] : [commit];
  });
  if (steps.length === 0) return [];
  const kept = new Set(await ask(...LOG, '--format=%H', '--branches', '--'));
  return [...new Set(steps)].filter((commit) => !kept.has(commit));
}

function list(kind: Keeper['kind'], names: readonly string[], one: string, many: string): Keeper[] {
  if (names.length === 0) return [];
  const shown = someOf(
    names.map((name) => cleanLine(name, NAME_CHARS)),
    NAMED,
  );
  return [{ kind, what: `${counted(names.length, one, many)} (${shown})` }];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unsaid(folder: string, words: string): MamError {
  return new MamError(
    'unavailable',
    `Git does not say what is in ${folder}: ${words}.`,
    'Look there by hand.',
  );
}
