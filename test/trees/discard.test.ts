import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Worktree } from '../../src/job/record.ts';
import { JobTrees } from '../support/job-trees.ts';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const test = sharing;
let count = 0;

function trees(lab: Lab): JobTrees {
  return new JobTrees(lab, `räpo ${++count}`);
}

/** What a hub that was killed leaves of a removal that it has begun. */
function noteRemoval(lab: Lab, id: string, { repository, branch }: Worktree): void {
  const note = {
    ...{ registry_dir: lab.registry, repository, by: 'person', kind: 'discard' },
    ...{ at: Date.now(), branch },
  };
  mkdirSync(join(lab.home, 'trees'), { recursive: true });
  lab.write('note', JSON.stringify(note));
  renameSync(join(lab.project, 'note'), join(lab.home, 'trees', `${id}.json`));
}

test('a merged worktree is removed and its branch stays; with --branch that goes as well, and can be brought back', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('m2erged');
  await all.mam('merge', 'm2erged');
  const removed = await all.mam('discard', 'm2erged', '--yes');
  expect(removed).toMatchObject({ code: 0, stderr: '' });
  expect(removed.stdout).toBe(`The worktree ${tree.folder} was removed; its branch mam/m2erged stays.\n`);
  expect(existsSync(tree.folder)).toBe(false);
  expect(all.repo.git('worktree', 'list').split('\n')).toHaveLength(1);
  const tip = all.repo.git('rev-parse', tree.branch);
  expect(lab.record('m2erged')).toMatchObject({
    merged: { into: 'main' },
    discarded: { at: expect.any(String) },
  });
  const { seq } = lab.record('m2erged');
  expect((await all.mam('discard', 'm2erged', '--yes')).stdout).toContain('was removed before; its branch');
  expect(lab.record('m2erged').seq).toBe(seq);
  const deleted = await all.mam('discard', 'm2erged', '--branch', '--yes', '--json');
  expect(JSON.parse(deleted.stdout)).toMatchObject({ state: 'none', branch_deleted: true, commit: tip });
  expect(all.repo.git('branch', '--list', tree.branch)).toBe('');
  expect(lab.record('m2erged').discarded?.commit).toBe(tip);
  expect((await all.mam('merge', 'm2erged')).stderr).toContain(`git branch mam/m2erged ${tip}`);
  expect((await all.mam('diff', 'm2erged')).stdout).toContain('+m2erged');
  expect((await all.mam('list')).stdout).toMatch(/m2erged\tcompleted:merged\t/);
});

test('nothing goes that no other branch has, or that is not committed, unless it is forced; what is lost is named', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('u2nmerged');
  const unmerged = await all.mam('discard', 'u2nmerged', '--yes');
  expect(unmerged.code).toBe(69);
  expect(unmerged.stderr).toContain('it has 1 commit that no other branch has');
  expect(unmerged.stderr).toContain('`mam merge u2nmerged` merges it');
  all.repo.git('merge', '-q', tree.branch);
  all.repo.write('readme.txt', 'changed', tree.folder);
  expect((await all.mam('discard', 'u2nmerged', '--yes')).stderr).toContain(
    '1 file with changes (readme.txt)',
  );
  all.repo.gitIn(tree.folder, 'checkout', '-q', '--', '.');
  all.repo.write('new ü.txt', 'new', tree.folder);
  expect((await all.mam('discard', 'u2nmerged', '--yes')).stderr).toContain('new ü.txt');
  expect(existsSync(join(tree.folder, 'new ü.txt'))).toBe(true);
  expect(lab.types('u2nmerged')).not.toContain('discarded');
  const forced = await all.mam('discard', 'u2nmerged', '--yes', '--force');
  expect(forced.code).toBe(0);
  expect(forced.stdout).toContain('With it went: 1 untracked file or folder (new ü.txt).');
  expect(existsSync(tree.folder)).toBe(false);
});

test('commits are called lost only if their branch goes as well', async ({ lab }) => {
  const all = trees(lab);
  const [stays, goes] = [await all.done('s2tays'), await all.done('g2oes')];
  const kept = await all.mam('discard', 's2tays', '--yes', '--force');
  expect(kept.stdout).toContain(`its branch ${stays.branch} stays.`);
  expect(kept.stdout).not.toContain('With it went');
  const deleted = await all.mam('discard', 'g2oes', '--yes', '--force', '--branch');
  expect(deleted.stdout).toContain(`its branch ${goes.branch} was deleted`);
  expect(deleted.stdout).toContain('With it went: 1 commit that no other branch has.');
});

test('without a terminal nothing is removed unless it is said, and not while the job is open', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = all.job('o2pen');
  expect((await all.mam('discard', 'o2pen', '--yes', '--force')).stderr).toContain('has not ended (queued)');
  await all.end('o2pen');
  const unasked = await all.mam('discard', 'o2pen');
  expect(unasked).toMatchObject({ code: 69, stdout: '' });
  expect(unasked.stderr).toContain('only a person can say yes');
  expect(existsSync(tree.folder)).toBe(true);
});

test('not while anything works in it, even if it is forced', async ({ lab }) => {
  const all = trees(lab);
  const tree = all.job('i2nuse');
  await all.end('i2nuse');
  const inside = join(tree.folder, 'deep');
  mkdirSync(inside);
  const child = spawn('sleep', ['600'], { cwd: inside });
  await until('it runs', () => child.pid !== undefined);
  const refused = await all.mam('discard', 'i2nuse', '--yes', '--force');
  expect(refused.stderr).toContain(`a process works there (${child.pid})`);
  child.kill('SIGKILL');
  await until('it has ended', () => !isRunning(child.pid ?? 0));
  expect((await all.mam('discard', 'i2nuse', '--yes')).code).toBe(0);
});

test('a folder that someone has removed by hand is forgotten by git, and one that is something else is not touched', async ({
  lab,
}) => {
  const all = trees(lab);
  const gone = all.job('g2one');
  const kept = all.job('k2ept');
  const other = all.job('e2lse');
  for (const id of ['g2one', 'k2ept', 'e2lse']) await all.end(id);
  rmSync(gone.folder, { recursive: true });
  rmSync(kept.folder, { recursive: true });
  expect((await all.mam('discard', 'g2one', '--yes')).stdout).toContain(
    "was gone already, and git's note of it was removed",
  );
  // Of the other one nobody has said that it is to be forgotten.
  const listed = all.repo.git('worktree', 'list');
  expect(listed).not.toContain('g2one');
  expect(listed).toContain('k2ept');
  unlinkSync(join(other.folder, '.git'));
  all.repo.git('worktree', 'prune');
  expect((await all.mam('discard', 'e2lse', '--yes', '--force')).stderr).toContain(
    'is no longer a worktree of',
  );
  expect(readFileSync(join(other.folder, 'readme.txt'), 'utf8')).toBe('Hello\n');
});

test('a locked worktree, and one with a submodule, stay', async ({ lab }) => {
  const all = trees(lab);
  const locked = all.job('l2ocked');
  await all.end('l2ocked');
  all.repo.git('worktree', 'lock', '--reason', 'mine', locked.folder);
  expect((await all.mam('discard', 'l2ocked', '--yes', '--force')).stderr).toContain('git worktree unlock');
  expect(existsSync(locked.folder)).toBe(true);
  const inner = new JobTrees(lab, `inner ${count}`);
  const tree = all.job('s2ub');
  all.repo.gitIn(tree.folder, 'submodule', '--quiet', 'add', inner.repo.folder, 'sub');
  all.repo.gitIn(tree.folder, 'commit', '-q', '-m', 'Submodule');
  await all.end('s2ub');
  expect((await all.mam('merge', 's2ub')).code).toBe(0);
  expect((await all.mam('diff', 's2ub', '--stat')).stdout).toMatch(/ sub +\| /);
  expect((await all.mam('discard', 's2ub', '--yes')).stderr).toContain(
    '1 submodule with a repository of its own',
  );
  expect((await all.mam('discard', 's2ub', '--yes', '--force')).code).toBe(0);
  expect(existsSync(tree.folder)).toBe(false);
});

test('in a bare clone with worktrees beside it, the work goes from one to the other and is removed', async ({
  lab,
}) => {
  const all = trees(lab);
  const bare = join(lab.project, `bare ${count}.git`);
  all.repo.git('clone', '-q', '--bare', all.repo.folder, bare);
  const main = join(lab.project, `haupt ü ${count}`);
  const folder = join(lab.project, `job ü ${count}`);
  all.repo.gitIn(bare, 'worktree', 'add', '-q', main, 'main');
  all.repo.gitIn(bare, 'worktree', 'add', '-q', '-b', 'mam/größe', folder, 'main');
  all.job('b2are', { folder, branch: 'mam/größe', repository: bare });
  all.repo.commit('ü.txt', 'ü\n', 'Ü', folder);
  await all.end('b2are');
  const mam = (...args: string[]) => lab.start(args, { cwd: main, env: all.env, input: '' }).ended;
  expect((await mam('diff', 'b2are')).stdout).toContain('+ü');
  expect((await mam('merge', 'b2are')).stdout).toContain('was moved forward to mam/größe');
  expect(readFileSync(join(main, 'ü.txt'), 'utf8')).toBe('ü\n');
  expect((await mam('discard', 'b2are', '--yes', '--branch')).code).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(all.repo.gitIn(bare, 'branch', '--list').includes('größe')).toBe(false);
});

test('a removal that was killed goes on, and stops at whatever has come since', async ({ lab }) => {
  const all = trees(lab);
  const tree = all.job('h2alf');
  all.repo.commit('a/b.txt', 'b\n', 'B', tree.folder);
  all.repo.commit('c.txt', 'c\n', 'C', tree.folder);
  all.repo.git('merge', '-q', tree.branch);
  await all.end('h2alf');
  // As `git worktree remove` leaves it when it is killed: some files are gone, the one that leads to git among them.
  noteRemoval(lab, 'h2alf', tree);
  unlinkSync(join(tree.folder, '.git'));
  rmSync(join(tree.folder, 'a'), { recursive: true });
  all.repo.write('since.txt', 'mine', tree.folder);
  const refused = await all.mam('discard', 'h2alf', '--yes');
  expect(refused.code).toBe(69);
  expect(refused.stderr).toContain('a change since its removal began (since.txt)');
  expect(readFileSync(join(tree.folder, 'since.txt'), 'utf8')).toBe('mine');
  unlinkSync(join(tree.folder, 'since.txt'));
  expect((await all.mam('discard', 'h2alf', '--yes')).code).toBe(0);
  expect(existsSync(tree.folder)).toBe(false);
  expect(all.repo.git('worktree', 'list').split('\n')).toHaveLength(1);
  expect(lab.types('h2alf').at(-1)).toBe('discarded');
  expect(statSync(join(lab.home, 'trees')).isDirectory()).toBe(true);
  expect(lab.inHome('trees')).toEqual([]);
});

test('a worktree that someone has moved is found: nothing in it is left out of a merge, and it is not said to be removed', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('m4oved');
  const moved = `${tree.folder} moved`;
  all.repo.git('worktree', 'move', tree.folder, moved);
  all.repo.write('late.txt', 'not committed\n', moved);
  expect((await all.mam('diff', 'm4oved')).stdout).toContain('+not committed');
  const merge = await all.mam('merge', 'm4oved');
  expect(merge.code).toBe(69);
  expect(merge.stderr).toContain('late.txt');
  const removed = await all.mam('discard', 'm4oved', '--yes', '--force');
  expect(removed.code).toBe(69);
  expect(removed.stderr).toContain(`is checked out in ${moved} now. Nothing was removed.`);
  expect(existsSync(join(moved, 'late.txt'))).toBe(true);
  expect(lab.record('m4oved').discarded).toBeUndefined();
});

test('work on another branch than its own is named with what can be done', async ({ lab }) => {
  const all = trees(lab);
  const tree = await all.done('r5enamed');
  all.repo.gitIn(tree.folder, 'branch', '-m', 'better');
  expect((await all.mam('merge', 'r5enamed')).stderr).toContain('`git merge better` merges that');
  const kept = (await all.mam('discard', 'r5enamed', '--yes')).stderr;
  const tip = all.repo.git('rev-parse', 'better');
  expect(kept).toContain(`\`git branch NAME ${tip}\` gives its commits a branch`);
  expect(kept).not.toContain('mam merge');
});

test('a removal that has begun does not go on when git was told meanwhile to keep the worktree', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('l2ater');
  all.repo.git('merge', '-q', tree.branch);
  noteRemoval(lab, 'l2ater', tree);
  all.repo.git('worktree', 'lock', tree.folder);
  const refused = await all.mam('discard', 'l2ater', '--yes', '--force');
  expect(refused.stderr).toContain('a lock of git');
  expect(existsSync(join(tree.folder, 'l2ater.txt'))).toBe(true);
  all.repo.git('worktree', 'unlock', tree.folder);
  expect((await all.mam('discard', 'l2ater', '--yes', '--force')).code).toBe(0);
  expect(existsSync(tree.folder)).toBe(false);
});

test('a removal that has begun never goes on with another repository in the same place, even if it is forced', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('o2ther');
  noteRemoval(lab, 'o2ther', tree);
  rmSync(tree.folder, { recursive: true });
  all.repo.git('init', '-q', tree.folder);
  all.repo.write('mine.txt', 'mine', tree.folder);
  const refused = await all.mam('discard', 'o2ther', '--yes', '--force');
  expect(refused.stderr).toContain('is no longer a worktree of');
  expect(readFileSync(join(tree.folder, 'mine.txt'), 'utf8')).toBe('mine');
  rmSync(tree.folder, { recursive: true });
  expect((await all.mam('discard', 'o2ther', '--yes')).code).toBe(0);
});
