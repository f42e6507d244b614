import { type GitEnvironment, lookGit } from './run-git.ts';

/** A worktree, the main one or a linked one. */
export interface WorkingPlace {
  /** Its top folder, absolute. */
  top: string;
  /** Its own git folder: for a linked worktree a folder in the one that it shares. */
  gitFolder: string;
  /** The git folder that all worktrees of the repository share. */
  repository: string;
  /** The branch that is checked out, without `refs/heads/`; undefined on none. */
  branch: string | undefined;
  /** The commit that is checked out; undefined before the first one. */
  head: string | undefined;
}

/** The worktree that a folder is in; undefined if it is in none. @throws MamError as `lookGit` */
export async function placeOf(folder: string, how: GitEnvironment): Promise<WorkingPlace | undefined> {
  // One by one: a path may have any character, even a line break.
  const ask = (what: string) => line(folder, ['rev-parse', '--path-format=absolute', what], how);
  const [top, gitFolder, repository, ref, head] = await Promise.all([
    ...[ask('--show-toplevel'), ask('--git-dir'), ask('--git-common-dir')],
    line(folder, ['symbolic-ref', '--quiet', 'HEAD'], how),
    commitOf(folder, 'HEAD', how),
  ]);
  if (top === undefined || gitFolder === undefined || repository === undefined) return undefined;
  const branch = ref?.startsWith(HEADS) ? ref.slice(HEADS.length) : undefined;
  return { top, gitFolder, repository, branch, head };
}

const HEADS = 'refs/heads/';

/** The commit that a name stands for; undefined if there is none. @throws MamError as `lookGit` */
export function commitOf(folder: string, name: string, how: GitEnvironment): Promise<string | undefined> {
  return line(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], how);
}

/** The commit at the end of a branch; undefined if the branch does not exist. @throws MamError as `lookGit` */
export function tipOf(folder: string, branch: string, how: GitEnvironment): Promise<string | undefined> {
  return commitOf(folder, `${HEADS}${branch}`, how);
}

/** True if everything of one commit is in another. @throws MamError as `lookGit` */
export async function isIn(
  folder: string,
  commit: string,
  other: string,
  how: GitEnvironment,
): Promise<boolean> {
  return (await lookGit(folder, ['merge-base', '--is-ancestor', commit, other], how)).code === 0;
}

/** What git prints on one line; undefined if it fails or prints nothing. */
async function line(
  folder: string,
  args: readonly string[],
  how: GitEnvironment,
): Promise<string | undefined> {
  const { code, stdout } = await lookGit(folder, args, how);
  const text = stdout.replace(/\n$/, '');
  return code === 0 && text !== '' ? text : undefined;
}
