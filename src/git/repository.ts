import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { realPlace } from '../base/real-place.ts';
import { type GitEnvironment, gitWords, lookGit } from './run-git.ts';

/** A folder in a git repository, as git sees it. */
export interface Surroundings {
  /** What all worktrees of the repository share; absolute, links resolved. */
  repository: string;
  /** The worktree around the folder; absent in a bare repository. */
  top: string | undefined;
  /** The folder's path below that, such as `packages/a`; empty at the top. */
  below: string;
  /** The worktrees of the repositories that this one is a submodule of, the nearest first. */
  around: string[];
}

/** A worktree in git's own list. */
export interface Listed {
  /** Of a bare repository or a submodule, the first one is its git folder. */
  folder: string;
  /** Without `refs/heads/`; absent with a detached HEAD. */
  branch?: string | undefined;
  isBare: boolean;
}

/**
 * Asks git what a folder belongs to.
 * @param folder absolute
 * @throws MamError `bad_input` where there is no repository; `refused` with git's words where it obeys none, such as another user's
 */
export async function surroundings(folder: string, how: GitEnvironment): Promise<Surroundings> {
  const [repository, top, below] = [
    await revParse(folder, '--git-common-dir', how),
    await revParse(folder, '--show-toplevel', how),
    await revParse(folder, '--show-prefix', how),
  ];
  if (typeof repository !== 'string') throw noRepository(folder, repository.words);
  if (typeof top !== 'string')
    return { repository: realPlace(repository), top: undefined, below: '', around: [] };
  const around: string[] = [];
  for (let inner = top; ; ) {
    const outer = await revParse(inner, '--show-superproject-working-tree', how);
    if (typeof outer !== 'string' || outer === '' || around.includes(outer)) break;
    around.push(outer);
    inner = outer;
  }
  return {
    ...{ repository: realPlace(repository), top, around },
    below: typeof below === 'string' ? below.replace(/\/$/, '') : '',
  };
}

/** The worktrees of a repository, the main one first. @throws MamError `unavailable` if git does not say */
export async function listWorktrees(repository: string, how: GitEnvironment): Promise<Listed[]> {
  const args = ['worktree', 'list', '--porcelain'];
  let end = await lookGit(repository, [...args, '-z'], how);
  // An older git can't separate them by NUL; then a line break in a path is not seen.
  const isOld = end.code === 129;
  if (isOld) end = await lookGit(repository, args, how);
  if (end.code !== 0)
    throw new MamError(
      'unavailable',
      `Git does not list the worktrees of ${repository}: ${gitWords(end)}.`,
      'Run `git worktree list` there.',
    );
  const line = isOld ? '\n' : '\0';
  return end.stdout.split(line + line).flatMap((text) => {
    const lines = text.split(line);
    const value = (name: string) => lines.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1);
    const folder = value('worktree');
    if (folder === undefined) return [];
    return [
      { folder, branch: value('branch')?.replace(/^refs\/heads\//, ''), isBare: lines.includes('bare') },
    ];
  });
}

/**
 * Where the branch of a worktree is checked out now, if its folder is gone: someone has moved it. The main worktree does
 * not count: there a person looks at the branch.
 * @throws MamError as `listWorktrees`
 */
export async function movedTo(
  { folder, repository, branch }: { folder: string; repository: string; branch: string },
  how: GitEnvironment,
): Promise<string | undefined> {
  if (existsSync(folder) || !existsSync(repository)) return undefined;
  const [, ...linked] = await listWorktrees(repository, how);
  return linked.find((one) => one.branch === branch && existsSync(one.folder))?.folder;
}

/** The main worktree of a repository, or for a bare one its git folder. */
export async function mainFolder(
  { repository, top, around }: Surroundings,
  worktrees: readonly Listed[],
  how: GitEnvironment,
): Promise<string> {
  const [main] = worktrees;
  if (main !== undefined && !main.isBare && realPlace(main.folder) !== repository) return main.folder;
  if (main?.isBare === true) return repository;
  // The git folder of a submodule, or a separate one, names its worktree if it has one.
  const end = await lookGit(repository, ['config', '--get', 'core.worktree'], how);
  if (end.code === 0) return realPlace(resolve(repository, end.stdout.replace(/\n$/, '')));
  return around.length > 0 || top === undefined ? dirname(repository) : top;
}

/** The name of a repository, for a folder. @param main as `mainFolder` returns it */
export function repositoryName(main: string): string {
  const name = basename(main);
  return name.startsWith('.') ? basename(dirname(main)) : name.replace(/(?<=.)\.git$/, '');
}

/** True for a folder that is another one or below it. Both absolute; links are resolved. */
export function isWithin(folder: string, outer: string): boolean {
  const [inner, around] = [realPlace(folder), realPlace(outer)];
  return inner === around || inner.startsWith(around === '/' ? '/' : `${around}/`);
}

/** One value of `rev-parse`, or git's words: a path may have line breaks, so each is asked for alone. */
async function revParse(
  folder: string,
  what: string,
  how: GitEnvironment,
): Promise<string | { words: string }> {
  const end = await lookGit(folder, ['rev-parse', '--path-format=absolute', what], how);
  return end.code === 0 ? end.stdout.replace(/\n$/, '') : { words: gitWords(end) };
}

function noRepository(folder: string, words: string): MamError {
  if (!/not a git repository/.test(words))
    return new MamError('refused', `Git does not work in ${folder}: ${words}.`, 'Do what git says there.');
  const step = existsSync(folder) ? 'Set workdir (`--workdir`) to one' : 'Create it';
  const what = `A worktree needs a git repository, and ${folder} is in none.`;
  return new MamError('bad_input', what, `${step}, or leave out worktree (\`--worktree\`).`);
}
