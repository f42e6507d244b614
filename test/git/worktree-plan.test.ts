import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderName, planWorktree, type WorktreeWish } from '../../src/git/worktree-plan.ts';
import { Repository } from '../support/repository.ts';

const JOB = 'k3f9x2ab-fix-login';

let repo: Repository;

beforeEach(() => {
  repo = new Repository();
});

afterEach(() => repo.remove());

function plan(wish: Partial<WorktreeWish> = {}) {
  return planWorktree({ workdir: repo.folder, branch: true, jobId: JOB, ...wish }, { env: repo.env });
}

function refusal(wish: Partial<WorktreeWish>): Promise<Error> {
  return plan(wish).then(
    () => new Error('was not refused'),
    (error: Error) => error,
  );
}

test('a branch with the id of the job, beside the repository, at the HEAD of the caller', async () => {
  const head = repo.commit('packages/a b/ü.txt', 'x');
  const found = await plan({ workdir: join(repo.folder, 'packages', 'a b') });
  const folder = join(repo.place, 'project.worktrees', `mam-${JOB}`);
  expect(found).toEqual({
    ...{ folder, branch: `mam/${JOB}`, base: head, new_branch: true, warnings: [] },
    ...{ repository: join(repo.folder, '.git'), workdir: join(folder, 'packages', 'a b') },
  });
  // Where there is a branch mam, git can have none below that name.
  repo.git('branch', 'mam');
  expect(await plan()).toMatchObject({ branch: `mam-${JOB}` });
});

test('a given branch and base, in a folder that the user has set', async () => {
  const first = repo.git('rev-parse', 'HEAD');
  repo.commit('a.txt', 'a');
  const worktrees = join(repo.place, 'my trees\nü');
  const found = await plan({ branch: 'fehler/größe-🙂', base: 'HEAD~1', worktrees });
  expect(found).toMatchObject({
    folder: join(worktrees, 'project', 'fehler-größe-🙂'),
    ...{ branch: 'fehler/größe-🙂', base: first, new_branch: true },
  });
  repo.git('tag', '-a', '-m', 'one', 'v1', first);
  expect(await plan({ branch: 'x', base: 'v1' })).toMatchObject({ base: first });
});

test('a branch that exists and is free is gone on with; its base can be nothing else', async () => {
  repo.git('branch', 'free');
  const tip = repo.git('rev-parse', 'free');
  repo.commit('a.txt', 'a');
  expect(await plan({ branch: 'free' })).toMatchObject({ branch: 'free', base: tip, new_branch: false });
  expect(await plan({ branch: 'free', base: tip })).toMatchObject({ base: tip });
  expect(await refusal({ branch: 'free', base: 'main' })).toMatchObject({
    ...{ code: 'conflict', message: 'The branch free exists, and is not at main.' },
  });
});

test.each(['a b', '-x', 'a..b', '@{-1}', 'HEAD', 'refs/heads/x', 'a\nb', 'x.lock', '', 'a//b'])(
  '%j is refused as a branch',
  async (branch) => {
    expect(await refusal({ branch })).toMatchObject({ code: 'bad_input' });
  },
);

test('a branch that is checked out anywhere is refused with the place', async () => {
  expect((await refusal({ branch: 'main' })).message).toBe(
    `The branch main is checked out in ${repo.folder}: git has it in one worktree at a time.`,
  );
  const other = join(repo.place, 'zwei\nZeilen ü');
  repo.git('worktree', 'add', '-q', '-b', 'two', other);
  expect((await refusal({ branch: 'two' })).message).toContain(other);
  expect((await refusal({ branch: 'main/sub' })).message).toBe(
    "Git can't have a branch main/sub while there is a branch main.",
  );
  repo.git('branch', 'deep/er');
  expect((await refusal({ branch: 'deep' })).message).toContain('a branch deep/er');
});

test.each(['nothing', '--all', '^main', 'main..main', ''])('%j is refused as a base', async (base) => {
  expect(await refusal({ base })).toMatchObject({ code: 'bad_input' });
});

test('no repository, no commit, and what git refuses are said in sentences', async () => {
  const empty = join(repo.place, 'empty');
  mkdirSync(empty);
  expect(await refusal({ workdir: empty })).toMatchObject({
    ...{ code: 'bad_input', message: `A worktree needs a git repository, and ${empty} is in none.` },
  });
  repo.gitIn(empty, 'init', '-q');
  expect(await refusal({ workdir: empty })).toMatchObject({
    ...{ code: 'refused', message: `The repository of ${empty} has no commit yet.` },
  });
  // An extension that this git does not know, as a newer one may have written.
  repo.git('config', 'core.repositoryFormatVersion', '99');
  const { message } = await refusal({});
  expect(message).toMatch(/^Git does not work in .*: fatal: .*99/);
});

test('where git would need long to count what is not committed, nobody waits for that', async () => {
  const names = Array.from(
    { length: 30_000 },
    (_, at) => `100644 ${'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'}\t${at}.txt\n`,
  );
  repo.git('hash-object', '-w', '/dev/null');
  const input = names.join('');
  execFileSync('git', ['-C', repo.folder, 'update-index', '--index-info'], { env: repo.env, input });
  repo.git('commit', '-q', '-m', 'Many');
  const { warnings, base } = await plan();
  expect(warnings).toEqual([
    `The worktree begins at commit ${base.slice(0, 12)}, without whatever is not committed in ${repo.folder}.`,
  ]);
});

test('a detached HEAD is a base like any other, and uncommitted changes are named', async () => {
  const first = repo.git('rev-parse', 'HEAD');
  repo.commit('a.txt', 'a');
  repo.git('checkout', '-q', '--detach', first);
  expect(await plan()).toMatchObject({ base: first, warnings: [] });
  repo.write('readme.txt', 'changed');
  repo.write('new.txt', 'new');
  repo.git('add', 'new.txt');
  const { warnings } = await plan();
  expect(warnings).toEqual([
    `The worktree begins at commit ${first.slice(0, 12)}, without the uncommitted changes of 2 files in ${repo.folder}.`,
  ]);
});

test('a folder that its commit does not have is refused', async () => {
  const folder = join(repo.folder, 'build');
  mkdirSync(folder);
  expect((await refusal({ workdir: folder })).message).toMatch(/^The folder build is not in commit /);
});

test('a worktree is never inside the repository, its git folder or another worktree of it', async () => {
  for (const worktrees of ['.', 'deep/er', '.git']) {
    const { message } = await refusal({ worktrees: join(repo.folder, worktrees) });
    expect(message, worktrees).toContain(`would be inside ${repo.folder}`);
  }
  symlinkSync(repo.folder, join(repo.place, 'link'));
  expect((await refusal({ worktrees: join(repo.place, 'link') })).message).toContain('would be inside');
  repo.git('worktree', 'add', '-q', '-b', 'two', join(repo.place, 'two'));
  expect((await refusal({ worktrees: join(repo.place, 'two') })).message).toContain('would be inside');
});

test('a folder with something in it is refused, an empty one is not', async () => {
  const folder = join(repo.place, 'project.worktrees', 'x');
  mkdirSync(folder, { recursive: true });
  expect(await plan({ branch: 'x' })).toMatchObject({ folder });
  writeFileSync(join(folder, 'a'), '');
  expect((await refusal({ branch: 'x' })).message).toBe(`${folder} exists already.`);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
  expect((await refusal({ branch: 'x' })).message).toBe(`${folder} exists already.`);
  rmSync(folder);
  repo.git('worktree', 'add', '-q', '--detach', folder);
  expect((await refusal({ branch: 'x' })).message).toBe(`There is a worktree in ${folder} already.`);
  rmSync(folder, { recursive: true });
  expect((await refusal({ branch: 'x' })).message).toContain('which is gone');
});

test.runIf(process.getuid?.() !== 0)('a place that can not be written is refused', async () => {
  chmodSync(repo.place, 0o500);
  expect((await refusal({})).message).toContain("can't be written (EACCES)");
  chmodSync(repo.place, 0o700);
});

test('from a linked worktree, the new one is beside the main one, at the HEAD of the linked one', async () => {
  const linked = join(realpathSync(mkdtempSync(join(tmpdir(), 'mam-git-'))), 'linked');
  repo.git('worktree', 'add', '-q', '-b', 'two', linked);
  const head = repo.commit('b.txt', 'b', 'B', linked);
  expect(await plan({ workdir: linked })).toMatchObject({
    folder: join(repo.place, 'project.worktrees', `mam-${JOB}`),
    ...{ base: head, repository: join(repo.folder, '.git') },
  });
  rmSync(dirname(linked), { recursive: true });
});

test('a bare repository: beside its worktrees, or where they would be', async () => {
  const at = join(repo.place, 'bare');
  repo.git('clone', '-q', '--bare', repo.folder, join(at, 'app.git'));
  const bare = join(at, 'app.git');
  expect(await plan({ workdir: bare, branch: 'x' })).toMatchObject({
    ...{ folder: join(at, 'app.worktrees', 'x'), repository: bare, workdir: join(at, 'app.worktrees', 'x') },
  });
  repo.gitIn(bare, 'worktree', 'add', '-q', join(at, 'trees', 'main'), 'main');
  for (const workdir of [bare, join(at, 'trees', 'main')])
    expect(await plan({ workdir, branch: 'x' })).toMatchObject({ folder: join(at, 'trees', 'x') });
  // The folder that holds a bare one and its worktrees.
  for (const [name, link] of [
    ['.bare', true],
    ['.git', false],
  ] as const) {
    const around = join(repo.place, `with${name}`);
    repo.git('clone', '-q', '--bare', repo.folder, join(around, name));
    if (link) writeFileSync(join(around, '.git'), 'gitdir: ./.bare\n');
    expect(await plan({ workdir: around, branch: 'x' })).toMatchObject({ folder: join(around, 'x') });
    expect(await plan({ workdir: around, branch: 'x', worktrees: repo.place })).toMatchObject({
      folder: join(repo.place, basename(around), 'x'),
    });
  }
});

test('a submodule has its own repository, and its worktree is not in the one around it', async () => {
  const lib = new Repository({ place: repo.place, name: 'lib-origin' });
  repo.git('submodule', '--quiet', 'add', lib.folder, 'lib');
  repo.git('commit', '-q', '-m', 'Add lib');
  const workdir = join(repo.folder, 'lib');
  expect(await plan({ workdir, branch: 'x' })).toMatchObject({
    folder: join(repo.place, 'lib.worktrees', 'x'),
    ...{ repository: join(repo.folder, '.git', 'modules', 'lib'), warnings: [] },
  });
  const { message } = await refusal({ workdir, worktrees: join(repo.folder, 'trees') });
  expect(message).toContain(`would be inside ${repo.folder}`);
  // The repository around it has submodules that a worktree does not get.
  expect((await plan()).warnings.join()).toContain('git submodule update --init');
});

test('a separate git folder and a shallow clone are no problem', async () => {
  const at = join(repo.place, 'separate');
  repo.git('init', '-q', `--separate-git-dir=${join(repo.place, 'sep.git')}`, at);
  repo.commit('a.txt', 'a', 'A', at);
  expect(await plan({ workdir: at, branch: 'x' })).toMatchObject({
    folder: join(repo.place, 'separate.worktrees', 'x'),
  });
  repo.commit('a.txt', 'a');
  const shallow = join(repo.place, 'shallow');
  repo.git('clone', '-q', '--depth=1', `file://${repo.folder}`, shallow);
  expect(await plan({ workdir: shallow, branch: 'x' })).toMatchObject({
    base: repo.git('rev-parse', 'HEAD'),
  });
});

test('a long branch has a short folder, and no two have the same', () => {
  const [one, other] = ['ü'.repeat(99), `${'ü'.repeat(98)}x`].map(folderName);
  expect(Buffer.byteLength(one ?? '')).toBeLessThanOrEqual(100);
  expect(one).not.toBe(other);
  expect(folderName('a/b')).toBe('a-b');
});
