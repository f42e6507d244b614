import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differenceOf } from '../../src/git/diff.ts';
import { Repository } from '../support/repository.ts';

let repo: Repository;
let folder: string;
let base: string;

beforeEach(() => {
  repo = new Repository();
  repo.commit('.gitignore', 'ignored/\n');
  repo.commit('räum lich/a.txt', 'one\ntwo\nthree\n');
  base = repo.commit('gone.txt', 'to be removed\n');
  folder = join(repo.place, 'täst tree');
  repo.git('worktree', 'add', '-q', '-b', 'own', folder);
});

afterEach(() => repo.remove());

const wish = { stat: false, exact: true };
const difference = (more = {}, at: { folder?: string; from?: string; to?: string } = {}) =>
  differenceOf({ folder, from: base, ...at }, { ...wish, ...more }, { env: repo.env });

/** Changes of every kind: committed, staged, unstaged, deleted, new, binary, renamed, and a name that looks like an option. */
function changeAll(): void {
  repo.commit('committed.txt', 'c\n', 'Committed', folder);
  repo.write('staged.txt', 's\n', folder);
  repo.gitIn(folder, 'add', 'staged.txt');
  repo.write('räum lich/a.txt', 'one\nTWO\nthree\n', folder);
  rmSync(join(folder, 'gone.txt'));
  repo.write('new\tü\n/--help', 'n\n', folder);
  repo.write('ignored/big', 'i\n', folder);
  writeFileSync(join(folder, 'picture.bin'), Buffer.from([0, 1, 2, 255, 254, 27]));
  symlinkSync('nowhere', join(folder, 'link'));
  repo.gitIn(folder, 'mv', 'readme.txt', 'read me.txt');
}

test('everything in a worktree that its base does not have is in the patch, which git apply takes', async () => {
  changeAll();
  const before = repo.gitIn(folder, 'status', '--porcelain', '--ignored');
  const index = repo.gitIn(folder, 'rev-parse', '--path-format=absolute', '--git-path', 'index');
  const bytes = readFileSync(index);
  // For new files git writes that one, and nothing of theirs.
  repo.git('hash-object', '-w', '--', '/dev/null');
  const objects = repo.git('count-objects');
  const { files, text } = await difference();
  expect(repo.gitIn(folder, 'status', '--porcelain', '--ignored')).toBe(before);
  expect(readFileSync(index).equals(bytes)).toBe(true);
  expect(repo.git('count-objects')).toBe(objects);
  expect(files.map(({ path }) => path).sort()).toEqual(
    ['committed.txt', 'staged.txt', 'räum lich/a.txt', 'gone.txt', 'new\tü\n/--help', 'picture.bin', 'link']
      .concat('read me.txt')
      .sort(),
  );
  expect(files).toContainEqual({ path: 'read me.txt', old_path: 'readme.txt', added: 0, deleted: 0 });
  expect(files).toContainEqual({ path: 'picture.bin' });
  const other = join(repo.place, 'other');
  repo.git('worktree', 'add', '-q', '--detach', other, base);
  execFileSync('git', ['-C', other, 'apply'], { env: repo.env, input: text });
  for (const name of ['committed.txt', 'staged.txt', 'räum lich/a.txt', 'new\tü\n/--help', 'picture.bin'])
    expect(readFileSync(join(other, name)).equals(readFileSync(join(folder, name)))).toBe(true);
  expect(statSync(join(other, 'gone.txt'), { throwIfNoEntry: false })).toBeUndefined();
});

test("the user's settings for people do not make a patch that cannot be applied", async () => {
  for (const [name, value] of [
    ...[
      ['diff.noprefix', 'true'],
      ['diff.mnemonicPrefix', 'true'],
      ['color.ui', 'always'],
      ['diff.relative', 'true'],
    ],
    ...[
      ['diff.external', 'false'],
      ['core.pager', 'false'],
      ['diff.txt.textconv', 'false'],
    ],
  ] as const)
    repo.git('config', name, value);
  repo.write('.gitattributes', '*.txt diff=txt\n', folder);
  repo.write('räum lich/a.txt', 'one\n', folder);
  const { text } = await difference({}, { folder: join(folder, 'räum lich') });
  execFileSync('git', ['-C', repo.folder, 'apply', '--check'], { env: repo.env, input: text });
  expect(text.toString()).toContain('+++ b/.gitattributes');
});

test('between two commits only they count, and of stat only the numbers', async () => {
  changeAll();
  const { files } = await difference({}, { folder: join(repo.folder, '.git'), to: 'own' });
  expect(files.map(({ path }) => path)).toEqual(['committed.txt']);
  const { text } = await difference({ stat: true, exact: false, columns: 60 });
  expect(text.toString()).toMatch(/ räum lich\/a.txt +\| +2 \+-\n/);
  expect(text.toString()).toMatch(/8 files changed/);
});

test('a repository of its own inside the worktree is named, and what is in it is not shown', async () => {
  execFileSync('git', ['init', '-q', join(folder, 'inner')], { env: repo.env });
  repo.write('inner/x', 'x', folder);
  repo.write('y', 'y', folder);
  const { files, nested } = await difference();
  expect(files.map(({ path }) => path)).toEqual(['y']);
  expect(nested).toEqual(['inner/']);
});

test('what git refuses is said in its words', async () => {
  await expect(difference({}, { from: 'f'.repeat(40) })).rejects.toThrow(/bad object/);
});

test('git is not run in a repository inside, whose configuration may name programs', async () => {
  const trace = join(repo.place, 'ran');
  const inner = new Repository({ place: folder, name: 'inner' });
  repo.gitIn(folder, '-c', 'advice.addEmbeddedRepo=false', 'add', '--', 'inner');
  repo.gitIn(folder, 'commit', '-q', '-m', 'Add inner');
  inner.git('config', 'filter.own.clean', `touch '${trace}'; false`);
  inner.write('.git/info/attributes', '* filter=own\n');
  utimesSync(join(inner.folder, 'readme.txt'), 1, 1);
  for (const exact of [true, false]) await difference({ exact }, { from: repo.git('rev-parse', 'own') });
  expect(existsSync(trace)).toBe(false);
});
