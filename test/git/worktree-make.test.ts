import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeWorktree, releaseWorktree, type WorktreeOrder } from '../../src/git/worktree-make.ts';
import { planWorktree, type WorktreeWish } from '../../src/git/worktree-plan.ts';
import { Repository } from '../support/repository.ts';
import { fill, mayMount, mountSmall, unmount } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const JOB = 'k3f9x2ab-fix-login';

let repo: Repository;

beforeEach(() => {
  repo = new Repository();
});

afterEach(() => repo.remove());

async function ordered(wish: Partial<WorktreeWish> = {}): Promise<WorktreeOrder> {
  const asked = { workdir: repo.folder, branch: 'größe/ü', jobId: JOB, ...wish };
  return { ...(await planWorktree(asked, { env: repo.env })), jobId: asked.jobId };
}

function make(order: WorktreeOrder) {
  return makeWorktree(order, join(repo.place, 'said'), { env: repo.env });
}

/** What a worktree must be when it is ready. */
async function expectReady(order: WorktreeOrder, untracked = ''): Promise<void> {
  await releaseWorktree(order, { env: repo.env });
  const { folder, branch, base } = order;
  expect(repo.gitIn(folder, 'status', '--porcelain', '--untracked-files=all')).toBe(untracked);
  expect(repo.gitIn(folder, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
  expect(repo.gitIn(folder, 'rev-parse', 'HEAD')).toBe(base);
  const listed = repo.git('worktree', 'list', '--porcelain', '-z').replaceAll('\0', '\n');
  expect(listed).toContain(`worktree ${folder}\n`);
  expect(listed).not.toContain('locked');
}

test('a worktree with a new branch, locked until it is ready', async () => {
  const order = await ordered();
  repo.commit('a.txt', 'a');
  expect(await make(order)).toEqual({ base: order.base });
  expect(repo.git('worktree', 'list', '--porcelain')).toContain(`locked mam prepares it for job ${JOB}`);
  // Nothing is done twice, and a person's file in it stays.
  repo.write('readme.txt', 'mine', order.folder);
  expect(await make(order)).toEqual({ base: order.base });
  expect(readFileSync(join(order.folder, 'readme.txt'), 'utf8')).toBe('mine');
  repo.gitIn(order.folder, 'checkout', '-q', '.');
  await expectReady(order);
  expect(existsSync(join(order.folder, 'a.txt'))).toBe(false);
  expect(await make(order)).toEqual({ base: order.base });
});

test.runIf(mayMount)('it is made all the same where there is no room for what git says', async () => {
  const full = join(repo.place, 'full');
  mountSmall(full, '64k');
  try {
    writeFileSync(join(full, 'said'), '');
    fill(full);
    const order = await ordered();
    expect(await makeWorktree(order, join(full, 'said'), { env: repo.env })).toEqual({ base: order.base });
    await expectReady(order);
  } finally {
    unmount(full);
  }
});

test('one that git has linked with relative paths is known again', async () => {
  const order = await ordered();
  await make(order);
  // As git does with worktree.useRelativePaths.
  const admin = repo.gitIn(order.folder, 'rev-parse', '--absolute-git-dir');
  writeFileSync(join(admin, 'gitdir'), `${relative(admin, join(order.folder, '.git'))}\n`);
  writeFileSync(join(order.folder, '.git'), `gitdir: ${relative(order.folder, admin)}\n`);
  expect(await make(order)).toEqual({ base: order.base });
  expect(existsSync(join(order.folder, 'readme.txt'))).toBe(true);
});

test('a worktree of a branch that exists, in a bare repository and in a submodule', async () => {
  repo.git('branch', 'free');
  const free = await ordered({ branch: 'free' });
  await make(free);
  await expectReady(free);
  const bare = join(repo.place, 'bare.git');
  repo.git('clone', '-q', '--bare', repo.folder, bare);
  const inBare = await ordered({ workdir: bare, jobId: 'a2cdefgh-b' });
  await make(inBare);
  expect(repo.gitIn(inBare.folder, 'status', '--porcelain')).toBe('');
  const lib = new Repository({ place: repo.place, name: 'lib-origin' });
  repo.git('submodule', '--quiet', 'add', lib.folder, 'lib');
  repo.git('commit', '-q', '-m', 'Add lib');
  const workdir = join(repo.folder, 'lib');
  const inLib = await ordered({ workdir, jobId: 'a2cdefgh-c' });
  await make(inLib);
  await releaseWorktree(inLib, { env: repo.env });
  repo.commit('b.txt', 'b', 'B', inLib.folder);
  expect(repo.gitIn(workdir, 'log', '--format=%s', '-1', 'größe/ü')).toBe('B');
  expect(repo.git('status', '--porcelain')).toBe('');
});

test('what has happened since it was planned is respected', async () => {
  const moved = await ordered({ branch: 'x' });
  repo.git('branch', 'x', repo.commit('a.txt', 'a'));
  await expect(make(moved)).rejects.toMatchObject({ message: 'Somebody has made a branch x meanwhile.' });
  expect(existsSync(moved.folder)).toBe(false);
  const taken = await ordered({ branch: 'y' });
  repo.write('mine.txt', 'mine', taken.folder);
  await expect(make(taken)).rejects.toMatchObject({ code: 'unavailable' });
  expect(readFileSync(join(taken.folder, 'mine.txt'), 'utf8')).toBe('mine');
  // Of another job, even if it looks the same.
  const other = await ordered({ branch: 'z' });
  await make({ ...other, jobId: 'a2cdefgh-other' });
  await expect(make(other)).rejects.toMatchObject({ code: 'unavailable' });
});

test('the hooks of a checkout run; one that fails is told of, and the worktree counts', async () => {
  repo.write('.git/hooks/post-checkout', '#!/bin/sh\necho "$1 $3" > "$PWD/.git-hook"\necho no >&2\nexit 3\n');
  chmodSync(join(repo.folder, '.git/hooks/post-checkout'), 0o755);
  const order = await ordered();
  expect(await make(order)).toEqual({ base: order.base, problem: expect.stringContaining('no') });
  expect(readFileSync(join(order.folder, '.git-hook'), 'utf8')).toBe(`${'0'.repeat(40)} 1\n`);
});

/** Starts what `makeWorktree` starts, and kills it with everything that it has started. */
async function killed(order: WorktreeOrder, when: () => Promise<unknown>): Promise<void> {
  const { repository, folder, branch, base } = order;
  const what = ['--lock', '--reason', `mam prepares it for job ${JOB}`, '-b', branch, '--', folder, base];
  const child = spawn('git', ['-C', repository, 'worktree', 'add', ...what], {
    ...{ env: repo.env, stdio: 'ignore', detached: true },
  });
  const ended = once(child, 'exit');
  await when();
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  } catch {
    // It was faster.
  }
  await ended;
}

test('a checkout that was killed in the middle of a file is completed, and foreign files stay', async () => {
  repo.write('.gitattributes', 'big filter=slow\n');
  repo.write('big', 'the whole file\n');
  repo.write('z.txt', 'last\n');
  repo.git('add', '.');
  repo.git('commit', '-q', '-m', 'Big');
  // A filter such as Git LFS's: git writes what it prints.
  const gate = join(repo.place, 'gate');
  repo.git('config', 'filter.slow.smudge', `sh -c 'until test -e "${gate}"; do sleep 0.05; done; cat'`);
  const order = await ordered();
  await killed(order, () => until('a checkout', () => existsSync(join(order.folder, '.gitattributes'))));
  expect(existsSync(join(order.folder, 'z.txt'))).toBe(false);
  writeFileSync(gate, '');
  writeFileSync(join(order.folder, 'big'), 'the wh');
  writeFileSync(join(order.folder, 'foreign.txt'), 'mine');
  expect(await make(order)).toEqual({ base: order.base });
  expect(readFileSync(join(order.folder, 'big'), 'utf8')).toBe('the whole file\n');
  await expectReady(order, '?? foreign.txt');
});

test('a file that git has not left there is never overwritten', async () => {
  const order = await ordered();
  await killed(order, () => until('a checkout', () => existsSync(join(order.folder, 'readme.txt'))));
  // As if the index had not been written.
  const admin = repo.gitIn(order.folder, 'rev-parse', '--absolute-git-dir');
  rmSync(join(admin, 'index'), { force: true });
  writeFileSync(join(order.folder, 'readme.txt'), 'mine');
  const error = await make(order).catch((one: Error) => one);
  expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('readme.txt') });
  expect(readFileSync(join(order.folder, 'readme.txt'), 'utf8')).toBe('mine');
});

test.each(['before HEAD', 'before the link', 'before gitdir', 'before anything'])(
  'what was killed %s is begun again',
  async (when) => {
    const order = await ordered();
    await make(order);
    const admin = repo.gitIn(order.folder, 'rev-parse', '--absolute-git-dir');
    rmSync(join(order.folder, 'readme.txt'));
    for (const name of ['mam-job', 'HEAD', 'index', 'commondir', 'ORIG_HEAD', 'logs'])
      rmSync(join(admin, name), { recursive: true, force: true });
    if (when !== 'before HEAD') rmSync(order.folder, { recursive: true });
    if (when === 'before gitdir') rmSync(join(admin, 'gitdir'));
    if (when === 'before anything') rmSync(admin, { recursive: true });
    await make(order);
    await expectReady(order);
  },
);

test('a folder that somebody has filled before git has begun is never touched, nor the repository around it', async () => {
  const order = await ordered();
  await make(order);
  rmSync(order.folder, { recursive: true });
  mkdirSync(order.folder);
  writeFileSync(join(order.folder, 'readme.txt'), 'mine');
  await expect(make(order)).rejects.toMatchObject({ code: 'unavailable' });
  expect(readFileSync(join(order.folder, 'readme.txt'), 'utf8')).toBe('mine');
});

test('killed at any moment, it is whole the next time', async () => {
  for (let n = 0; n < 60; n++) repo.write(`dir ${n}/ü ${n}.txt`, 'x'.repeat(50_000));
  repo.git('add', '.');
  repo.git('commit', '-q', '-m', 'Many');
  for (let ms = 0; ms < 60; ms += 4) {
    const order = await ordered({ branch: `b${ms}` });
    await killed(order, () => sleep(ms));
    await make(order);
    await expectReady(order);
  }
});

test('a long name in any letters, in a shallow clone and in a bare one beside whose worktrees it is made', async () => {
  repo.commit('a.txt', 'a');
  const branch = `fehler/${'größe-'.repeat(25)}x`;
  expect(Buffer.byteLength(branch)).toBeGreaterThan(200);
  const shallow = join(repo.place, 'shallow');
  repo.git('clone', '-q', '--depth', '1', `file://${repo.folder}`, shallow);
  const inShallow = await ordered({ workdir: shallow, branch });
  await make(inShallow);
  expect(repo.gitIn(inShallow.folder, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
  expect(readFileSync(join(inShallow.folder, 'a.txt'), 'utf8')).toBe('a');
  const bare = join(repo.place, 'work', '.bare');
  repo.git('clone', '-q', '--bare', repo.folder, bare);
  const side = join(repo.place, 'work', 'side');
  repo.gitIn(bare, 'worktree', 'add', '-q', '-b', 'side', side);
  const beside = await ordered({ workdir: side, branch, jobId: 'a2cdefgh-d' });
  expect(join(beside.folder, '..')).toBe(join(repo.place, 'work'));
  await make(beside);
  expect(repo.gitIn(beside.folder, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
});
