import { MamError } from '../base/errors.ts';
import { type GitEnvironment, lookGit } from './run-git.ts';

const FILTER = /^filter\.(.+)\.[^.]+$/s;

/**
 * The options with which git, when it compares files on the disk, runs no filter that the repository's own configuration
 * names. Those of the user's configuration stay, such as Git LFS.
 * @returns words for `lookGit`, before the command
 * @throws MamError `refused` for a filter whose name can't be given on a command line; and as `lookGit`
 */
export async function withoutOwnFilters(folder: string, how: GitEnvironment): Promise<string[]> {
  const asked = ['config', '-z', '--show-scope', '--name-only', '--get-regexp', '^filter\\.'];
  const { stdout } = await lookGit(folder, asked, how);
  const words = stdout.split('\0');
  const names = new Set<string>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    const name = FILTER.exec(words[at + 1] ?? '')?.[1];
    if (name !== undefined && ['local', 'worktree'].includes(words[at] ?? '')) names.add(name);
  }
  const odd = [...names].find((name) => /[=\n]/.test(name));
  if (odd !== undefined)
    throw new MamError('refused', 'The repository has a filter with an unusual name.', 'Rename the filter.');
  return [...names].flatMap((name) =>
    ['clean=', 'process=', 'required=false'].flatMap((setting) => ['-c', `filter.${name}.${setting}`]),
  );
}
