import { existsSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, describe, expect } from 'vitest';
import { between, isOnRef } from '../../src/git/between.ts';
import { dirtyFiles, headOf, isWrittenSince, repositoryAround } from '../../src/git/look.ts';
import { isIn } from '../../src/git/place.ts';
import { hasGit } from '../../src/git/run-git.ts';
import { mayBeInGit, worktreeAround } from '../../src/git/worktree-around.ts';
import { Repository } from '../support/repository.ts';

const test = base.extend<{ repository: Repository }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
  repository: async ({}, use) => {
    const repository = new Repository();
    await use(repository);
    repository.remove();
  },
});

async function placeOf(folder: string, { env }: Repository) {
  const place = await repositoryAround(folder, { env });
  if (place === undefined) throw new Error(`${folder} is not in a repository`);
  return place;
}

async function dirtyOf(repository: Repository, untracked: boolean, folder = repository.folder) {
  const files = await dirtyFiles(await placeOf(folder, repository), untracked, { env: repository.env });
  return files.map(({ path, state }) => [path, state]);
}

describe('the repository around a folder', () => {
  test('is that of the worktree, from any folder in it and through links', async ({ repository }) => {
    const deep = join(repository.folder, 'a b', 'ü');
    mkdirSync(deep, { recursive: true });
    const link = join(repository.place, 'link');
    symlinkSync(deep, link);
    const known = { top: repository.folder, common: join(repository.folder, '.git'), hasWorktree: true };
    for (const folder of [repository.folder, deep, link])
      expect(await placeOf(folder, repository)).toEqual(known);
    expect(worktreeAround(link)).toBe(repository.folder);
    expect(worktreeAround(join(deep, 'not there yet'))).toBe(repository.folder);
  });

  test('is shared by its worktrees, and its name may have a line break', async ({ repository }) => {
    const odd = new Repository({ place: repository.place, name: 'li\nne' });
    expect(await placeOf(odd.folder, odd)).toMatchObject({ top: odd.folder, common: `${odd.folder}/.git` });
    const other = join(repository.place, 'näxt one');
    repository.git('worktree', 'add', '-q', '-b', 'other', other);
    const place = await placeOf(other, repository);
    expect(place).toEqual({ top: other, common: join(repository.folder, '.git'), hasWorktree: true });
    expect(worktreeAround(other)).toBe(other);
  });

  test('has no worktree if it is bare, or for its own folder', async ({ repository }) => {
    const bare = join(repository.place, 'bare.git');
    repository.git('clone', '-q', '--bare', '.', bare);
    const hooks = join(repository.folder, '.git', 'hooks');
    mkdirSync(hooks, { recursive: true });
    expect(await placeOf(bare, repository)).toEqual({ top: bare, common: bare, hasWorktree: false });
    expect(await placeOf(hooks, repository)).toMatchObject({ hasWorktree: false });
    expect(await headOf(bare, { env: repository.env })).toEqual(
      await headOf(repository.folder, { env: repository.env }),
    );
  });

  test('is none elsewhere, even if something there looks like one', async ({ repository }) => {
    expect(mayBeInGit(repository.place)).toBe(false);
    expect(await repositoryAround(repository.place, { env: repository.env })).toBeUndefined();
    mkdirSync(join(repository.place, 'fake', '.git'), { recursive: true });
    expect(await repositoryAround(join(repository.place, 'fake'), { env: repository.env })).toBeUndefined();
  });

  test('is refused in words if git refuses it', async ({ repository }) => {
    repository.git('config', 'core.repositoryFormatVersion', '99');
    await expect(repositoryAround(repository.folder, { env: repository.env })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('99'),
    });
  });

  test('needs git', ({ repository }) => {
    expect(hasGit({ env: repository.env })).toBe(true);
    expect(hasGit({ env: { PATH: repository.place } })).toBe(false);
  });
});

describe('what is checked out', () => {
  test('is a branch, a detached commit, or a branch without a commit', async ({ repository }) => {
    const head = repository.git('rev-parse', 'HEAD');
    repository.git('switch', '-q', '-c', 'über/das');
    expect(await headOf(repository.folder, { env: repository.env })).toEqual({ head, branch: 'über/das' });
    repository.git('switch', '-q', '--detach');
    expect(await headOf(repository.folder, { env: repository.env })).toEqual({ head, branch: undefined });
    repository.git('switch', '-q', '--orphan', 'new');
    expect(await headOf(repository.folder, { env: repository.env })).toEqual({
      head: undefined,
      branch: 'new',
    });
  });
});

describe('the files that are not committed', () => {
  test('are named as they are, with untracked ones only if asked', async ({ repository }) => {
    for (const name of ['gone', 'tab\tname', ' space ']) repository.commit(name, 'one\n');
    repository.git('rm', '-q', '--cached', 'gone');
    repository.write('tab\tname', 'two\n');
    repository.write(' space ', 'two\n');
    repository.write('staged', 'new\n');
    repository.git('add', 'staged');
    repository.write('über/line\nbreak', 'new\n');
    const tracked = [
      [' space ', 'modified'],
      ['gone', 'deleted'],
      ['staged', 'added'],
      ['tab\tname', 'modified'],
    ];
    expect((await dirtyOf(repository, false)).sort()).toEqual(tracked);
    expect(await dirtyOf(repository, true)).toEqual(
      expect.arrayContaining([...tracked, ['über/line\nbreak', 'untracked']]),
    );
    expect(await dirtyOf(repository, false, join(repository.folder, 'über'))).toHaveLength(4);
  });

  test('include conflicts, and commits of submodules, but not what is inside those', async ({
    repository,
  }) => {
    const other = new Repository({ place: repository.place, name: 'other' });
    repository.git('submodule', '--quiet', 'add', other.folder, 'sub');
    repository.git('commit', '-q', '-m', 'Add sub');
    const sub = join(repository.folder, 'sub');
    repository.write('readme.txt', 'changed\n', sub);
    expect(await dirtyOf(repository, true)).toEqual([]);
    repository.commit('readme.txt', 'changed\n', 'In the submodule', sub);
    expect(await dirtyOf(repository, true)).toEqual([['sub', 'modified']]);
    repository.git('checkout', '-q', '-b', 'side');
    repository.commit('readme.txt', 'side\n');
    repository.git('checkout', '-q', 'main');
    repository.commit('readme.txt', 'main\n');
    expect(() => repository.git('merge', '-q', 'side')).toThrow();
    expect(await dirtyOf(repository, false)).toContainEqual(['readme.txt', 'conflict']);
  });

  test('are found without the filters of the repository, and without a change to its index', async ({
    repository,
  }) => {
    const trace = join(repository.place, 'ran');
    repository.commit('.gitattributes', '* filter=own\n*.lfs filter=users\n');
    repository.commit('a.txt', 'one\n');
    repository.commit('b.lfs', 'ONE\n');
    repository.git('config', 'filter.own.clean', `touch '${trace}'; cat`);
    repository.git('config', 'filter.own.process', `touch '${trace}'`);
    repository.git('config', 'filter.own.required', 'true');
    // The user's own one has its effect: what it makes of the file is what is committed.
    repository.git('config', '--global', 'filter.users.clean', 'tr a-z A-Z');
    repository.write('a.txt', 'two\n');
    repository.write('b.lfs', 'one\n');
    utimesSync(join(repository.folder, 'readme.txt'), 1, 1);
    expect(await dirtyOf(repository, false)).toEqual([['a.txt', 'modified']]);
    expect(existsSync(trace)).toBe(false);
  });

  test('are known to be written since a time', async ({ repository }) => {
    const name = join(repository.folder, 'readme.txt');
    expect(isWrittenSince(name, new Date(Date.now() + 1_000).toISOString())).toBe(false);
    expect(isWrittenSince(name, new Date(Date.now() - 60_000).toISOString())).toBe(true);
    // A file's own time may be old, as that of an unpacked one: when it came counts.
    utimesSync(name, 1, 1);
    expect(isWrittenSince(name, new Date(Date.now() - 60_000).toISOString())).toBe(true);
  });
});

describe('what differs between two commits', () => {
  const MOST = 2;
  const differs = (repository: Repository, start: string | undefined, end: string | undefined) =>
    between(repository.folder, { head: start }, { head: end }, MOST, { env: repository.env });

  test('are its commits and its files as git counts them', async ({ repository }) => {
    repository.commit('moved.txt', 'one\ntwo\nthree\nfour\n');
    repository.commit('bytes', 'a\0b');
    const start = repository.git('rev-parse', 'HEAD');
    repository.git('mv', 'moved.txt', 'to here.txt');
    repository.git('commit', '-q', '--allow-empty-message', '-m', '');
    repository.commit('readme.txt', 'Hello\nyou\n', 'commit 0123456789012345678901234567890123456789');
    const end = repository.commit('bytes', 'a\0c', 'Über ✓');
    const found = await differs(repository, start, end);
    expect(found).toMatchObject({ commit_count: 3, left_behind: 0 });
    expect(found.commits.map(({ subject }) => subject)).toEqual([
      'Über ✓',
      'commit 0123456789012345678901234567890123456789',
    ]);
    expect(found.files).toEqual([
      { path: 'bytes' },
      { path: 'readme.txt', added: 1, deleted: 0 },
      { path: 'to here.txt', old_path: 'moved.txt', added: 0, deleted: 0 },
    ]);
    expect(
      (await between(repository.folder, { head: start }, { head: end }, 9, { env: repository.env })).commits,
    ).toEqual([
      expect.objectContaining({ subject: 'Über ✓', id: end }),
      expect.objectContaining({ subject: 'commit 0123456789012345678901234567890123456789' }),
      expect.objectContaining({ subject: '' }),
    ]);
    expect(await differs(repository, end, end)).toMatchObject({ commit_count: 0, files: [] });
  });

  test('is said for both sides if history was rewritten', async ({ repository }) => {
    const start = repository.commit('a.txt', 'one\n');
    repository.write('a.txt', 'two\n');
    repository.git('commit', '-q', '-a', '--amend', '-m', 'Again');
    const end = repository.git('rev-parse', 'HEAD');
    expect(await differs(repository, start, end)).toMatchObject({ commit_count: 1, left_behind: 1 });
    expect(await isIn(repository.folder, start, end, { env: repository.env })).toBe(false);
    expect(await isOnRef(repository.folder, start, { env: repository.env })).toBe(false);
    expect(await isOnRef(repository.folder, end, { env: repository.env })).toBe(true);
  });

  test('is everything after the first commit, and nothing is known of a commit that is gone', async ({
    repository,
  }) => {
    const end = repository.git('rev-parse', 'HEAD');
    const found = await differs(repository, undefined, end);
    expect(found).toMatchObject({ commit_count: 1, left_behind: 0 });
    expect(found.files).toEqual([{ path: 'readme.txt', added: 1, deleted: 0 }]);
    expect(await differs(repository, end, undefined)).toMatchObject({ commit_count: 0, left_behind: 1 });
    await expect(differs(repository, '1'.repeat(40), end)).rejects.toMatchObject({ code: 'refused' });
  });

  test('is found without what the repository names for showing differences', async ({ repository }) => {
    const trace = join(repository.place, 'ran');
    const start = repository.commit('.gitattributes', '* diff=own\n');
    repository.git('config', 'diff.own.textconv', `touch '${trace}'; cat`);
    repository.git('config', 'diff.own.command', `touch '${trace}'; cat`);
    repository.git('config', 'diff.external', `touch '${trace}'`);
    const end = repository.commit('a.txt', 'one\n');
    expect((await differs(repository, start, end)).files).toHaveLength(1);
    expect(existsSync(trace)).toBe(false);
  });
});
