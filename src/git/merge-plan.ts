import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine, counted, someOf } from '../base/text.ts';
import { isIn, type WorkingPlace } from './place.ts';
import { type GitEnvironment, gitWords, lookGit, lookGitBytes } from './run-git.ts';
import { nameOf, type PathState, statesOf, touchedBy } from './touched.ts';

const NAMED = 5;
const NAME_CHARS = 120;
/** git's exit codes for a merge that has conflicts, and for an option that it does not know. */
const CONFLICTS = 1;
const UNKNOWN_OPTION = 129;

/** A merge that can be made, and what it will have made. */
export type MergePlan =
  /** Everything is there already. */
  | { kind: 'merged' }
  /** `after`: the tree that the branch will have. */
  | { kind: 'forward' | 'commit'; before: string; after: string };

/**
 * How a commit gets into the branch of a worktree. Nothing changes: conflicts are found without touching a file.
 * @param names of the branches, for the errors
 * @throws MamError `conflict` for a conflict, and for changes that the merge would meet, with the files; `refused` if the
 *   two have nothing in common; `unavailable` if git can't say
 */
export async function planMerge(
  place: WorkingPlace & { head: string },
  tip: string,
  names: { branch: string; into: string; folder: string },
  how: GitEnvironment,
): Promise<MergePlan> {
  const { top, head } = place;
  if (await isIn(top, tip, head, how)) return { kind: 'merged' };
  const kind = (await isIn(top, head, tip, how)) ? 'forward' : 'commit';
  const after = kind === 'forward' ? tip : await mergedTree(place, tip, names, how);
  const touched = await touchedBy(top, [head, after], how);
  const met = (await statesOf(place, head, touched, how)).filter(
    ({ file, index }) => file !== 'before' || index !== 'before',
  );
  if (met.length > 0) throw inTheWay(place, names, met);
  return { kind, before: head, after };
}

/** The tree of a merge commit, which git makes without a worktree. */
async function mergedTree(
  { top, head }: WorkingPlace & { head: string },
  tip: string,
  { branch, into, folder }: { branch: string; into: string; folder: string },
  how: GitEnvironment,
): Promise<string> {
  if ((await lookGit(top, ['merge-base', head, tip], how)).code !== 0) {
    const what = `${branch} and ${into} have no commit in common, so nothing can be merged.`;
    throw new MamError('refused', what, 'Look at both with `git log`.');
  }
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', head, tip];
  const { code, stdout, stderr } = await lookGitBytes(top, args, how);
  const [tree = '', ...files] = stdout.toString().split('\0');
  if (code === 0) return tree;
  if (code === UNKNOWN_OPTION)
    throw new MamError(
      'unavailable',
      `${into} has gone on since ${branch} began, and this git is too old to find conflicts before it merges.`,
      'Install git 2.38 or newer, or merge by hand.',
    );
  if (code !== CONFLICTS || files.length === 0)
    throw new MamError('unavailable', `Git can't merge ${branch}: ${gitWords({ code, stdout: '', stderr })}`);
  const names = [...new Set(files.filter((name) => name !== ''))];
  throw new MamError(
    'conflict',
    `${branch} and ${into} have both changed ${listed(names)}: the merge has conflicts there. Nothing was changed.`,
    `Merge ${into} into ${branch} in the job's worktree and solve them there, or delegate just that: \`git -C ${shellWord(folder)} merge ${shellWord(into)}\`. Then merge again.`,
  );
}

/** The refusal of a merge that would meet changes that nobody has committed. */
function inTheWay({ top }: WorkingPlace, { branch }: { branch: string }, met: PathState[]): MamError {
  const isNew = ({ touched: { before } }: PathState) => before === undefined;
  const changed = met.filter((state) => !isNew(state)).map(({ touched }) => nameOf(touched));
  const there = met.filter(isNew).map(({ touched }) => nameOf(touched));
  const what = [
    ...(changed.length === 0 ? [] : [`changes that are not committed in ${listed(changed)}`]),
    ...(there.length === 0
      ? []
      : [
          `${there.length === 1 ? 'a new file that is' : 'new files that are'} not committed: ${listed(there)}`,
        ]),
  ].join(', and ');
  return new MamError(
    'conflict',
    `${top} has ${what}, and ${branch} would overwrite that. Nothing was changed.`,
    'Commit, stash or move them away, then merge again.',
  );
}

function listed(names: readonly string[]): string {
  const shown = names.map((name) => cleanLine(name, NAME_CHARS));
  if (names.length === 1) return shown.join();
  return `${counted(names.length, 'file')} (${someOf(shown, NAMED)})`;
}
