import { lstatSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { orElse } from '../base/or-else.ts';
import type { WorkingPlace } from './place.ts';
import { type GitEnvironment, lookGit, lookGitBytes } from './run-git.ts';
import { withScratch } from './scratch.ts';

/** A submodule: git keeps only its commit, and leaves its folder alone. */
const SUBMODULE = '160000';
/** Entries of a large index, in bytes. */
const MANY_BYTES = 256 * 1024 * 1024;

/** A file in a tree. */
export interface Entry {
  mode: string;
  id: string;
}

/** A path that differs between two trees. Its name has a byte of the real one in each character, because it may be any. */
export interface Touched {
  path: string;
  before: Entry | undefined;
  after: Entry | undefined;
}

/** Which of the two trees a path agrees with. `gone`: no file is there; `part`: the beginning of the later one. */
export interface PathState {
  touched: Touched;
  file: 'before' | 'after' | 'gone' | 'part' | 'other';
  index: 'before' | 'after' | 'other';
}

/** A name as people read it. */
export function nameOf({ path }: Touched): string {
  return bytesOf(path).toString();
}

/** The path of a file, for the system. */
export function fileOf(top: string, { path }: Pick<Touched, 'path'>): Buffer {
  return Buffer.concat([Buffer.from(`${top}/`), bytesOf(path)]);
}

/** Every path that differs between two trees. @throws MamError as `lookGit` */
export async function touchedBy(
  folder: string,
  [before, after]: readonly [string, string],
  how: GitEnvironment,
): Promise<Touched[]> {
  const args = ['diff-tree', '-r', '--raw', '-z', '--no-renames', '--no-abbrev', before, after];
  const { stdout } = await lookGitBytes(folder, args, { ...how, mostBytes: MANY_BYTES });
  return rawEntries(stdout).map(([path, from, to]) => ({ path, before: from, after: to }));
}

/**
 * How the paths that differ between two trees are in a worktree. Neither that nor its index changes.
 * @throws MamError as `lookGit`
 */
export async function statesOf(
  place: WorkingPlace,
  before: string,
  touched: readonly Touched[],
  how: GitEnvironment,
): Promise<PathState[]> {
  const [changed, asBefore, asAfter] = await Promise.all([
    inIndex(place, before, how),
    agreeing(place, touched, 'before', how),
    agreeing(place, touched, 'after', how),
  ]);
  const paths = new Set(touched.map(({ path }) => path));
  const states: PathState[] = [];
  for (const one of touched) {
    const { path } = one;
    const file = asBefore.has(path)
      ? 'before'
      : asAfter.has(path)
        ? 'after'
        : await unlike(place, one, paths, how);
    const staged = changed.get(path);
    const isAfter = staged !== undefined && isSame(staged.entry, one.after);
    states.push({ touched: one, file, index: staged === undefined ? 'before' : isAfter ? 'after' : 'other' });
  }
  return states;
}

/** A path that is neither as before nor as after, by what is there. */
async function unlike(
  { top }: WorkingPlace,
  touched: Touched,
  paths: ReadonlySet<string>,
  how: GitEnvironment,
): Promise<PathState['file']> {
  const { before, after, path } = touched;
  const stat = orElse(() => lstatSync(fileOf(top, touched)), undefined);
  if (before?.mode === SUBMODULE || after?.mode === SUBMODULE) return 'before';
  if (stat === undefined) {
    if (before !== undefined) return after === undefined ? 'after' : 'gone';
    return isBlocked(top, path, paths) ? 'other' : 'before';
  }
  if (stat.isDirectory()) {
    // Where a file is to come, a folder may only have files that go.
    if (before !== undefined) return after === undefined ? 'after' : 'other';
    const args = ['--literal-pathspecs', 'ls-files', '--others', '-z', '--', nameOf(touched)];
    return (await lookGit(top, args, how)).stdout === '' ? 'before' : 'other';
  }
  return after !== undefined && stat.isFile() && (await isPart(top, touched, after, how)) ? 'part' : 'other';
}

/** True if a folder above a path is something else that is there to stay. */
function isBlocked(top: string, path: string, paths: ReadonlySet<string>): boolean {
  for (let above = dirname(path); above !== '.'; above = dirname(above)) {
    const stat = orElse(() => lstatSync(fileOf(top, { path: above })), undefined);
    if (stat !== undefined) return !stat.isDirectory() && !paths.has(above);
  }
  return false;
}

/** True for a file that git had begun to write. */
async function isPart(top: string, touched: Touched, after: Entry, how: GitEnvironment): Promise<boolean> {
  const there = orElse(() => readFileSync(fileOf(top, touched)), undefined);
  if (there === undefined) return false;
  const args = ['cat-file', `--path=${nameOf(touched)}`, '--filters', after.id];
  const whole = await lookGitBytes(top, args, { ...how, mostBytes: MANY_BYTES });
  return whole.code === 0 && there.length < whole.stdout.length && whole.stdout.indexOf(there) === 0;
}

/** The paths of one side whose files are as that side has them. */
async function agreeing(
  { top }: WorkingPlace,
  touched: readonly Touched[],
  side: 'before' | 'after',
  how: GitEnvironment,
): Promise<Set<string>> {
  const there = touched.filter((one) => one[side] !== undefined && one[side]?.mode !== SUBMODULE);
  if (there.length === 0) return new Set();
  return withScratch(async (scratch) => {
    const own = { ...how, git: { ...how.git, GIT_INDEX_FILE: `${scratch}/index` }, mostBytes: MANY_BYTES };
    await lookGit(top, ['update-index', '-z', '--index-info'], { ...own, input: indexInput(there, side) });
    // It compares contents, and remembers in this index which are the same.
    await lookGit(top, ['update-index', '-q', '--really-refresh'], own);
    const { stdout } = await lookGitBytes(top, ['diff-files', '--name-only', '-z'], own);
    const unlike = new Set(stdout.toString('latin1').split('\0'));
    return new Set(there.map(({ path }) => path).filter((path) => !unlike.has(path)));
  });
}

/** What the index has differently from a tree. */
async function inIndex(
  { top }: WorkingPlace,
  before: string,
  how: GitEnvironment,
): Promise<Map<string, { entry: Entry | undefined }>> {
  const args = ['diff-index', '--cached', '--raw', '-z', '--no-renames', '--no-abbrev', before, '--'];
  const { stdout } = await lookGitBytes(top, args, { ...how, mostBytes: MANY_BYTES });
  return new Map(rawEntries(stdout).map(([path, , entry]) => [path, { entry }]));
}

/** The input of `update-index --index-info` that makes an index have one side of these paths. */
export function indexInput(touched: readonly Touched[], side: 'before' | 'after'): Buffer {
  const lines = touched.map((one) => {
    const { mode, id } = one[side] ?? { mode: '0', id: '0'.repeat(one.before?.id.length ?? 40) };
    return `${mode} ${id}\t${one.path}\0`;
  });
  return Buffer.from(lines.join(''), 'latin1');
}

function rawEntries(raw: Buffer): [path: string, before: Entry | undefined, after: Entry | undefined][] {
  const words = raw.toString('latin1').split('\0');
  const entries: [string, Entry | undefined, Entry | undefined][] = [];
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [from = '', to = '', fromId = '', toId = ''] = (words[at] ?? '').replace(/^:/, '').split(' ');
    entries.push([words[at + 1] ?? '', entryOf(from, fromId), entryOf(to, toId)]);
  }
  return entries;
}

function entryOf(mode: string, id: string): Entry | undefined {
  return /^0+$/.test(mode) ? undefined : { mode, id };
}

function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  return one?.id === other?.id && one?.mode === other?.mode;
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
