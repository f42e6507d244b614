import { existsSync, lstatSync, readFileSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { commandLineOf, environmentOf, pids, processesIn } from '../base/processes.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine, someOf } from '../base/text.ts';
import { commitOf, isIn, placeOf, tipOf, type WorkingPlace } from './place.ts';
import { actGitInto, type GitEnd, type GitEnvironment, lookGit } from './run-git.ts';
import { withScratch } from './scratch.ts';
import { fileOf, indexInput, nameOf, type PathState, statesOf, touchedBy } from './touched.ts';

/** Clocks of file systems are coarser than ours, in ms. */
const COARSE_MS = 1_000;
/** The last lines that a failed merge has printed: hooks may say a lot before. */
const SHOWN_LINES = 4;
const NAMED = 5;
const NAME_CHARS = 120;

/** A merge that is about to begin: enough to tell after a crash how far it has come, and to undo it. */
export interface MergeIntent {
  /** The top folder of the worktree that gets the work, and its branch. */
  target: string;
  into: string;
  /** The commits of both before, and the tree that the branch will have. */
  before: string;
  tip: string;
  after: string;
  /** What its commit says. */
  message: string;
  /** In the environment of its processes, as `NAME=value`: it shows that they still run after their hub was killed. */
  mark: string;
  /** When it was noted, in ms since 1970. */
  at: number;
}

/** How far a merge has come: `left` are files that differ from both sides and were not touched. */
export type MergeState = { kind: 'merged'; commit: string } | { kind: 'undone'; left: string[] };

/**
 * Merges as planned, with the hooks of the repository. If it fails, everything is as before.
 * @param intent noted on the disk before
 * @param output file for what git and the hooks print
 * @returns the commit that has the work, and what was printed
 * @throws MamError `refused` with git's words if it has failed; `unavailable` if git can't run
 */
export async function merge(
  intent: MergeIntent,
  { kind, output }: { kind: 'forward' | 'commit'; output: string },
  how: GitEnvironment,
): Promise<{ commit: string; said: string }> {
  const { target, tip, mark, message } = intent;
  const args = [
    // A submodule's folder is the user's affair, as in any merge.
    ...['-c', 'submodule.recurse=false', 'merge', '--quiet', '--no-stat', '--no-edit', '--no-autostash'],
    // With it the conflicts were looked for.
    ...(kind === 'commit' ? ['--strategy=ort'] : []),
    ...['-m', message, tip],
  ];
  const [name = '', value = ''] = mark.split('=');
  const env = { ...how.env, [name]: value };
  const end = await actGitInto(output, target, args, { ...how, env }).catch((error: unknown) => error);
  // A git that has ended by itself has left no lock.
  const state = await settleMerge(intent, { isWhole: isEnd(end) }, how);
  if (state.kind === 'merged') return { commit: state.commit, said: isEnd(end) ? end.stderr : '' };
  if (!isEnd(end)) throw end;
  const words = cleanLine(lastLines(end.stderr, SHOWN_LINES), 600) || `git ended with ${end.code}`;
  throw new MamError(
    'refused',
    `The merge failed, and everything is as it was${leftText(state.left)}. It said: ${words.replace(/[.\s]*$/, '.')}`,
    'Fix that, then merge again.',
  );
}

/** What was left alone, as the end of a clause. */
export function leftText(left: readonly string[]): string {
  if (left.length === 0) return '';
  const names = someOf(
    left.map((name) => cleanLine(name, NAME_CHARS)),
    NAMED,
  );
  return `, except for ${names}, which someone has changed meanwhile`;
}

/** The processes of a merge that still run, such as a hook; only on Linux. */
export function processesOf({ mark }: Pick<MergeIntent, 'mark'>): number[] {
  return pids().filter((pid) => pid !== process.pid && environmentOf(pid).includes(mark));
}

/** True if a merge has reached its end; nothing is changed. @throws MamError as `lookGit` */
export async function mergedCommit(
  { target, into, before, tip }: Pick<MergeIntent, 'target' | 'into' | 'before' | 'tip'>,
  how: GitEnvironment,
): Promise<string | undefined> {
  const now = await tipOf(target, into, how);
  if (now === undefined || !(await isIn(target, tip, now, how))) return undefined;
  // The first commit on the branch that has the tip.
  const commits = async (...args: string[]) =>
    (await lookGit(target, ['rev-list', ...args], how)).stdout.trimEnd().split('\n');
  const withTip = new Set(await commits('--ancestry-path', `${tip}..${now}`));
  const line = await commits('--first-parent', now, `^${before}`);
  return line.findLast((commit) => withTip.has(commit)) ?? tip;
}

/**
 * Ends a merge whose processes have ended: one that has reached its end stays, any other is undone. Only paths that the
 * merge touches are changed, and only where they are as the merge has left them.
 * @param ended.isWhole its git was not killed: what else is there is someone else's
 * @throws MamError as `lookGit`, `conflict` while someone else's git or merge is there
 */
export async function settleMerge(
  intent: MergeIntent,
  { isWhole }: { isWhole: boolean },
  how: GitEnvironment,
): Promise<MergeState> {
  const { target, before, tip, after } = intent;
  const place = await placeOf(target, how);
  if (place === undefined)
    throw new MamError('not_found', `${target} is no longer a worktree.`, 'Look there by hand.');
  if (!isWhole) removeLocks(place, intent);
  const commit = await mergedCommit(intent, how);
  const isPending = (await commitOf(target, 'MERGE_HEAD', how)) === tip;
  if (commit !== undefined) {
    // It was killed after its last step but one.
    if (isPending) await change(target, ['merge', '--quit'], how);
    return { kind: 'merged', commit };
  }
  // Someone has gone on from there by hand.
  if (place.head !== before) return { kind: 'undone', left: [] };
  const touched = await touchedBy(target, [before, after], how);
  if (isPending) {
    const isConflicted = (await lookGit(target, ['ls-files', '--unmerged', '-z'], how)).stdout !== '';
    if (!isWhole && (isConflicted || !isOurs(place, intent))) throw isByHand(place);
    // Without a conflict, `--abort` would only take away what someone has staged meanwhile.
    await change(target, ['merge', isConflicted ? '--abort' : '--quit'], how);
  }
  return { kind: 'undone', left: await restore(place, await statesOf(place, before, touched, how), how) };
}

/** True if the merge that is under way has our message, or none yet: a person may have begun the same one after a crash. */
function isOurs({ gitFolder }: WorkingPlace, { message }: MergeIntent): boolean {
  const said = orElse(() => readFileSync(join(gitFolder, 'MERGE_MSG'), 'utf8'), '');
  return said.trim() === '' || said.includes(lastLines(message, 1));
}

function isByHand({ top }: WorkingPlace): MamError {
  return new MamError(
    'conflict',
    `A merge that is not finished is in ${top}, and someone may have begun it by hand. Nothing was changed.`,
    `End it there: \`git -C ${shellWord(top)} commit\`, or \`git -C ${shellWord(top)} merge --abort\`.`,
  );
}

/** Gives the paths that a merge has changed their old content. @returns those that are neither as before nor as after */
async function restore(place: WorkingPlace, states: PathState[], how: GitEnvironment): Promise<string[]> {
  const { top } = place;
  const ours = states.filter(({ file }) => file === 'after' || file === 'gone' || file === 'part');
  for (const { touched } of ours) if (touched.before === undefined) removeFile(top, touched);
  const back = ours.map(({ touched }) => touched).filter(({ before }) => before !== undefined);
  if (back.length > 0)
    await withScratch(async (scratch) => {
      const own = { ...how, git: { ...how.git, GIT_INDEX_FILE: join(scratch, 'index') } };
      await change(top, ['update-index', '-z', '--index-info'], {
        ...own,
        input: indexInput(back, 'before'),
      });
      await change(top, ['checkout-index', '--all', '--force'], own);
    });
  const staged = states.filter(({ index }) => index === 'after').map(({ touched }) => touched);
  if (staged.length > 0)
    await change(top, ['update-index', '-z', '--index-info'], {
      ...how,
      input: indexInput(staged, 'before'),
    });
  return states
    .filter(({ file, index }) => file === 'other' || index === 'other')
    .map(({ touched }) => nameOf(touched));
}

/** Removes a file that a merge has brought, and the folders that it alone has needed. */
function removeFile(top: string, touched: PathState['touched']): void {
  const file = fileOf(top, touched);
  orElse(() => unlinkSync(file), undefined);
  for (let above = dirname(touched.path); above !== '.'; above = dirname(above)) {
    const isEmptied = orElse(() => {
      rmdirSync(fileOf(top, { path: above }));
      return true;
    }, false);
    if (!isEmptied) break;
  }
}

/**
 * Removes the locks of a merge that was killed.
 * @throws MamError `conflict` if they may be those of another git that runs there
 */
function removeLocks({ top, gitFolder, repository }: WorkingPlace, { into, at }: MergeIntent): void {
  const names = ['index', 'HEAD', 'ORIG_HEAD', 'AUTO_MERGE', 'MERGE_HEAD'];
  const files = [
    ...names.map((name) => join(gitFolder, `${name}.lock`)),
    join(repository, 'refs/heads', `${into}.lock`),
  ].filter((file) => existsSync(file));
  const old = files.filter((file) => lstatSync(file).mtimeMs >= at - COARSE_MS);
  if (old.length === 0) return;
  const others = processesIn(top).filter((pid) => basename(commandLineOf(pid)?.[0] ?? '') === 'git');
  if (others.length > 0)
    throw new MamError(
      'conflict',
      `Another git command is at work in ${top} (process ${others.join(', ')}).`,
      'Wait for its end, then try again.',
    );
  for (const file of old) rmSync(file, { force: true });
}

async function change(folder: string, args: readonly string[], how: GitEnvironment): Promise<void> {
  const end = await lookGit(folder, args, how);
  if (end.code !== 0)
    throw new MamError(
      'unavailable',
      `git ${args[0]} in ${folder} failed: ${cleanLine(end.stderr, 300)}`,
      `Look there by hand: \`git -C ${shellWord(folder)} status\`.`,
    );
}

/** The end of a text. */
function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function isEnd(end: unknown): end is GitEnd {
  return typeof end === 'object' && end !== null && 'code' in end && typeof end.code === 'number';
}
