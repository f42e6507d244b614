import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { type ChangedFile, numstatFiles } from './numstat.ts';
import { withOwnFolder } from './own-folder.ts';
import { type GitEnvironment, gitWords, lookGit, lookGitBytes } from './run-git.ts';
import { withScratch } from './scratch.ts';

/** The largest difference that is shown, in bytes. */
const MOST_BYTES = 64 * 1024 * 1024;
/** How often the list of new files is taken again: an agent at work may have removed one meanwhile. */
const TRIES = 5;

/** What is compared: a commit with another one, or with everything that is in a worktree now. */
export interface Compared {
  /** A folder in the worktree, or of the repository if both are commits. */
  folder: string;
  from: string;
  to?: string | undefined;
}

export interface DiffWish {
  /** Only how much of each file has changed. */
  stat: boolean;
  /** For `git apply`: with the contents of binary files. */
  exact: boolean;
  /** How wide a line of `stat` may be. */
  columns?: number | undefined;
}

export interface Difference {
  files: ChangedFile[];
  /** As git prints it, without colours. */
  text: Buffer;
  /** Repositories in the worktree that are not part of it: what is in them is not shown. */
  nested: string[];
}

/**
 * What a commit does not have. In a worktree that is everything that is there: commits, changes that are staged or not,
 * and new files that git does not ignore. Neither the worktree nor its index changes.
 * @throws MamError `unavailable` if git fails, or for a difference of more than 64 MiB
 */
export async function differenceOf(
  compared: Compared,
  wish: DiffWish,
  how: GitEnvironment,
): Promise<Difference> {
  const { folder, from, to } = compared;
  const diff = async (form: string[], as: GitEnvironment) => {
    const args = diffArgs(wish, [...form, from, ...(to === undefined ? [] : [to])]);
    const end = await lookGitBytes(folder, args, { ...as, mostBytes: MOST_BYTES });
    if (end.code !== 0) throw failed(folder, gitWords({ ...end, stdout: '' }));
    return end.stdout;
  };
  const both = async (as: GitEnvironment) => ({
    files: numstatFiles((await diff(['--numstat', '-z'], as)).toString()),
    text: await diff(textArgs(wish), as),
  });
  if (to !== undefined) return { ...(await both(how)), nested: [] };
  return withOwnFolder(folder, how, (own) =>
    withScratch(async (scratch) => {
      const git = { ...own.git, GIT_INDEX_FILE: join(scratch, 'index') };
      const nested = await takeNewFiles(folder, own.git?.['GIT_INDEX_FILE'] ?? '', { ...own, git });
      return { ...(await both({ ...own, git })), nested };
    }),
  );
}

function textArgs({ stat, exact, columns }: DiffWish): string[] {
  if (stat) return [columns === undefined ? '--stat' : `--stat=${columns}`];
  return exact ? ['--patch', '--binary', '--full-index'] : ['--patch'];
}

/** The user's own settings stay, except for those that would make a patch that cannot be applied. */
function diffArgs({ exact }: DiffWish, args: readonly string[]): string[] {
  return [
    ...['-c', `core.quotePath=${exact}`, '-c', 'diff.noprefix=false', '-c', 'diff.mnemonicPrefix=false'],
    ...['diff', '--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--submodule=short'],
    ...['--src-prefix=a/', '--dst-prefix=b/', '--ita-visible-in-index'],
    // Git is not run in a submodule: no patch of its parent has what is changed in it, and it may name programs of its own.
    ...['--ignore-submodules=dirty', ...args, '--'],
  ];
}

/** Copies the index and adds the new files to the copy, by name only. @returns the repositories among them */
async function takeNewFiles(folder: string, original: string, how: GitEnvironment): Promise<string[]> {
  const copy = how.git?.['GIT_INDEX_FILE'] ?? '';
  for (let tries = 1; ; tries++) {
    // In a repository without a commit there may be no index.
    await copyFile(original, copy).catch(() => {});
    // From the top, because names are listed from the folder on.
    const top = await lookGit(folder, ['rev-parse', '--show-toplevel'], how);
    const place = top.code === 0 ? top.stdout.replace(/\n$/, '') : folder;
    const args = ['ls-files', '--others', '--exclude-standard', '-z'];
    const listed = await lookGitBytes(place, args, { ...how, mostBytes: MOST_BYTES });
    if (listed.code !== 0) throw failed(folder, gitWords({ ...listed, stdout: '' }));
    const names = listed.stdout
      .toString('latin1')
      .split('\0')
      .filter((name) => name !== '');
    const nested = names.filter((name) => name.endsWith('/'));
    const files = names.filter((name) => !name.endsWith('/'));
    const input = Buffer.from(files.map((name) => `${name}\0`).join(''), 'latin1');
    const add = ['--literal-pathspecs', 'add', '--intent-to-add'];
    const from = ['--pathspec-from-file=-', '--pathspec-file-nul'];
    const end = files.length === 0 ? undefined : await lookGit(place, [...add, ...from], { ...how, input });
    if (end === undefined || end.code === 0)
      return nested.map((name) => Buffer.from(name, 'latin1').toString());
    if (tries === TRIES) throw failed(folder, gitWords(end));
  }
}

function failed(folder: string, words: string): MamError {
  return new MamError(
    'unavailable',
    `Git does not say what has changed in ${folder}: ${words}.`.replace(/\.\.$/, '.'),
    'Look there by hand with `git diff`.',
  );
}
