import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findProjectFolder } from '../../src/settings/project.ts';

/** Where a working directory's registry is, by the git repository around it. */
let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mam-repo-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function make(...parts: string[]): string {
  const path = join(folder, ...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

function git(cwd: string, ...args: string[]): void {
  execFileSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always', ...args],
    { cwd, stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: folder } },
  );
}

const find = (...parts: string[]): string =>
  findProjectFolder(join(folder, ...parts), join(folder, 'home'), folder);

/** A repository with a commit. */
function source(name = 'source'): string {
  const path = make(name);
  git(path, 'init', '-q', '-b', 'main');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'x');
  return path;
}

describe('a bare repository', () => {
  test('with worktrees next to it shares nothing with its neighbours', () => {
    source();
    for (const name of ['one', 'two']) {
      git(folder, 'clone', '-q', '--bare', 'source', `${name}.git`);
      for (const tree of ['a', 'b'])
        git(
          join(folder, `${name}.git`),
          'worktree',
          'add',
          '-q',
          '-b',
          tree,
          join(folder, `${name}-${tree}`),
        );
      const own = join(folder, `${name}.git`, '.mam');
      for (const place of [`${name}-a`, `${name}-b`, `${name}.git`, `${name}.git/refs`])
        expect(find(place)).toBe(own);
    }
  });

  test('in a hidden folder, named by a .git file next to the worktrees, has its registry there', () => {
    source();
    make('work');
    git(join(folder, 'work'), 'clone', '-q', '--bare', '../source', '.bare');
    execFileSync('sh', ['-c', 'echo "gitdir: ./.bare" > .git'], { cwd: join(folder, 'work') });
    git(join(folder, 'work'), 'worktree', 'add', '-q', 'tree', 'main');
    for (const place of ['work', 'work/tree']) expect(find(place)).toBe(join(folder, 'work', '.mam'));
  });

  test('that is called .git has its registry next to it, never in it', () => {
    source();
    make('work');
    git(join(folder, 'work'), 'clone', '-q', '--bare', '../source', '.git');
    git(join(folder, 'work', '.git'), 'worktree', 'add', '-q', '../tree', 'main');
    for (const place of ['work', 'work/tree', 'work/.git', 'work/.git/refs'])
      expect(find(place)).toBe(join(folder, 'work', '.mam'));
  });
});

test('the worktrees of a submodule share the one of the submodule, and none is in .git', () => {
  source('inner');
  const outer = source('outer');
  git(outer, 'submodule', 'add', '-q', join(folder, 'inner'), 'libs/inner');
  const inner = join(outer, 'libs', 'inner');
  git(inner, 'worktree', 'add', '-q', '-b', 'more', join(folder, 'linked'));
  for (const place of ['linked', 'outer/libs/inner', 'outer/.git/modules/libs/inner'])
    expect(find(place)).toBe(join(inner, '.mam'));
  expect(find('outer')).toBe(join(outer, '.mam'));
  // Its worktree is gone: each one of the others is on its own.
  rmSync(inner, { recursive: true });
  expect(find('linked')).toBe(join(folder, 'linked', '.mam'));
});

test('a repository is the same by every path', () => {
  source();
  symlinkSync(folder, join(folder, 'link'));
  expect(find('link', 'source')).toBe(join(folder, 'source', '.mam'));
  expect(find('source', '.git', 'hooks')).toBe(join(folder, 'source', '.mam'));
});

describe('what is not a project', () => {
  test.each(['/', '/usr', '/tmp', '/home', '/usr/local/bin/../..'])('%s gets no registry', (place) => {
    expect(findProjectFolder(place, join(folder, 'home'), folder)).toBe(join(folder, 'home', 'project'));
  });

  test("a shared folder's own .mam catches no project below it, nor does a repository there", () => {
    const shared = make('shared');
    execFileSync('chmod', ['1777', shared]);
    make('shared', '.mam');
    git(shared, 'init', '-q');
    make('shared', 'mine');
    expect(find('shared', 'mine')).toBe(join(shared, 'mine', '.mam'));
    expect(find('shared')).toBe(join(folder, 'home', 'project'));
  });

  test('the home folder gets none, which would catch all projects, but keeps one that a person has made', () => {
    make('work');
    expect(find()).toBe(join(folder, 'home', 'project'));
    expect(existsSync(join(folder, '.mam'))).toBe(false);
    make('.mam');
    for (const place of ['', 'work']) expect(find(place)).toBe(join(folder, '.mam'));
  });

  test('MAM_HOME is not one, even if HOME is a link', () => {
    make('real', 'work');
    make('real', '.mam');
    symlinkSync(join(folder, 'real'), join(folder, 'user'));
    const home = join(folder, 'real', '.mam');
    expect(findProjectFolder(join(folder, 'real', 'work'), home, join(folder, 'user'))).toBe(
      join(folder, 'real', 'work', '.mam'),
    );
  });
});
