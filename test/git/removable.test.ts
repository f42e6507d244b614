import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptWords, whatKeeps } from '../../src/git/removable.ts';
import { Repository } from '../support/repository.ts';
import { until } from '../support/until.ts';

let repo: Repository;
let folder: string;

beforeEach(() => {
  repo = new Repository();
  repo.commit('.gitignore', 'node_modules/\n.env\n');
  folder = join(repo.place, 'täst tree');
  repo.git('worktree', 'add', '-q', '-b', 'own', folder);
});

afterEach(() => repo.remove());

async function kept(ready?: number): Promise<string[]> {
  const ready_at = ready === undefined ? undefined : new Date(ready).toISOString();
  const tree = { folder, repository: join(repo.folder, '.git'), branch: 'own', ready_at };
  const keepers = await whatKeeps(tree, { env: repo.env });
  expect(keptWords(keepers)).toBe(keepers.map(({ what }) => what).join(', and '));
  return keepers.map(({ kind }) => kind);
}

test('a worktree as it was made, or with what another branch has, may be removed', async () => {
  expect(await kept()).toEqual([]);
  repo.commit('a.txt', 'a', 'A', folder);
  expect(await kept()).toEqual(['unmerged']);
  repo.git('merge', '-q', 'own');
  expect(await kept()).toEqual([]);
  repo.git('checkout', '-q', '--detach');
  repo.git('branch', '-D', 'main');
  expect(await kept()).toEqual(['unmerged']);
});

test('changed, staged, deleted, renamed and untracked files keep it, also where no setting shows them', async () => {
  repo.write('readme.txt', 'changed', folder);
  expect(await kept()).toEqual(['changes']);
  repo.gitIn(folder, 'add', '.');
  repo.write('readme.txt', 'Hello\n', folder);
  expect(await kept()).toEqual(['changes']);
  repo.gitIn(folder, 'reset', '-q', '--hard');
  rmSync(join(folder, 'readme.txt'));
  expect(await kept()).toEqual(['changes']);
  repo.gitIn(folder, 'reset', '-q', '--hard');
  repo.gitIn(folder, 'mv', 'readme.txt', 'neu ü.txt');
  expect(await kept()).toEqual(['changes']);
  repo.gitIn(folder, 'reset', '-q', '--hard');
  repo.git('config', 'status.showUntrackedFiles', 'no');
  repo.write('a\nb/ü x.txt', 'new', folder);
  expect(await kept()).toEqual(['untracked']);
});

test('files that git was told to take for unchanged keep it', async () => {
  repo.gitIn(folder, 'update-index', '--assume-unchanged', 'readme.txt');
  repo.write('readme.txt', 'changed', folder);
  expect(await kept()).toEqual(['hidden']);
  repo.gitIn(folder, 'update-index', '--no-assume-unchanged', 'readme.txt');
  repo.gitIn(folder, 'update-index', '--skip-worktree', 'readme.txt');
  expect(await kept()).toEqual(['hidden']);
  // Outside of a sparse checkout there is no file, and nothing to lose.
  rmSync(join(folder, 'readme.txt'));
  expect(await kept()).toEqual([]);
});

test('ignored files keep it, except those that have not changed since it was ready', async () => {
  repo.write('node_modules/a/index.js', 'a', folder);
  repo.write('.env', 'SECRET=1', folder);
  expect(await kept()).toEqual(['ignored']);
  const ready = Date.now() + 1_000;
  expect(await kept(ready)).toEqual([]);
  await until('a later time', () => Date.now() > ready);
  writeFileSync(join(folder, '.env'), 'SECRET=2');
  expect(await kept(ready)).toEqual(['ignored']);
  rmSync(join(folder, '.env'));
  writeFileSync(join(folder, 'node_modules/a/index.js'), 'b');
  // The time of the last write may be set back.
  utimesSync(join(folder, 'node_modules/a/index.js'), 1, 1);
  expect(await kept(ready)).toEqual(['ignored']);
});

test('commits that a detached HEAD has made and left keep it; the steps of a rebase and amended commits do not', async () => {
  repo.gitIn(folder, 'checkout', '-q', '--detach');
  const lost = repo.commit('b.txt', 'b', 'B', folder);
  expect(await kept()).toEqual(['lost']);
  repo.gitIn(folder, 'checkout', '-q', 'own');
  expect(await kept()).toEqual(['lost']);
  repo.git('branch', 'kept', lost);
  expect(await kept()).toEqual([]);
  repo.commit('c.txt', 'c', 'C', folder);
  repo.gitIn(folder, 'commit', '-q', '--amend', '-m', 'D');
  repo.commit('d.txt', 'd', 'fixup! D', folder);
  repo.commit('e.txt', 'e');
  repo.gitIn(folder, '-c', 'sequence.editor=:', 'rebase', '-q', '-i', '--autosquash', 'main');
  repo.git('merge', '-q', 'own');
  expect(await kept()).toEqual([]);
});

test('a branch that the peer has switched to counts like its own, and a remote branch like another one', async () => {
  repo.gitIn(folder, 'switch', '-q', '-c', 'other');
  repo.commit('b.txt', 'b', 'B', folder);
  expect(await kept()).toEqual(['unmerged']);
  repo.git('init', '-q', '--bare', join(repo.place, 'remote.git'));
  repo.git('remote', 'add', 'origin', join(repo.place, 'remote.git'));
  repo.gitIn(folder, 'push', '-q', 'origin', 'other');
  expect(await kept()).toEqual([]);
});

test('a merge under way, a lock of git and a lock file keep it', async () => {
  repo.commit('readme.txt', 'one\n');
  repo.commit('readme.txt', 'two\n', 'Two', folder);
  expect(() => repo.gitIn(folder, 'merge', 'main')).toThrow();
  expect(await kept()).toEqual(['under_way', 'changes', 'unmerged']);
  repo.gitIn(folder, 'merge', '--abort');
  repo.gitIn(folder, 'reset', '-q', '--hard', 'main');
  repo.git('worktree', 'lock', '--reason', 'on a stick', folder);
  writeFileSync(
    join(repo.git('rev-parse', '--absolute-git-dir'), 'worktrees', 'täst-tree', 'index.lock'),
    '',
  );
  expect(await kept()).toEqual(['locked', 'under_way']);
});

test('a process that works in it keeps it', async () => {
  mkdirSync(join(folder, 'empty'));
  const child = spawn('sleep', ['600'], { cwd: join(folder, 'empty') });
  await once(child, 'spawn');
  expect(await kept()).toEqual(['in_use']);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await kept()).toEqual([]);
});

test('a submodule with a repository of its own keeps it', async () => {
  const other = new Repository({ place: repo.place, name: 'other' });
  repo.git('submodule', '--quiet', 'add', other.folder, 'lib');
  repo.git('commit', '-q', '-m', 'Add lib');
  repo.gitIn(folder, 'merge', '-q', 'main');
  expect(await kept()).toEqual([]);
  repo.gitIn(folder, 'submodule', '--quiet', 'update', '--init');
  expect(await kept()).toEqual(['submodules']);
});

test('a repository that was added as if it were a submodule keeps it', async () => {
  const inner = new Repository({ place: folder, name: 'inner' });
  repo.gitIn(folder, '-c', 'advice.addEmbeddedRepo=false', 'add', '--', 'inner');
  repo.gitIn(folder, 'commit', '-q', '-m', 'Add inner');
  repo.git('merge', '-q', 'own');
  inner.write('readme.txt', 'changed\n');
  expect(await kept()).toContain('submodules');
});

test('it is looked at without the programs that its repository, or one inside, names', async () => {
  const trace = join(repo.place, 'ran');
  const inner = new Repository({ place: folder, name: 'inner' });
  repo.write('.gitattributes', '*.txt filter=own\n', folder);
  repo.gitIn(folder, '-c', 'advice.addEmbeddedRepo=false', 'add', '--', '.');
  repo.gitIn(folder, 'commit', '-q', '-m', 'Work');
  const signed = [
    ...[`tree ${repo.gitIn(folder, 'rev-parse', 'HEAD^{tree}')}`, 'author a <a@b> 1 +0000'],
    ...['committer a <a@b> 1 +0000', 'gpgsig -----BEGIN PGP SIGNATURE-----', ' ', ' YQ=='],
    ...[' -----END PGP SIGNATURE-----', '', 'Signed', ''],
  ];
  repo.write('../signed', signed.join('\n'));
  const commit = repo.gitIn(folder, 'hash-object', '-t', 'commit', '-w', join(repo.place, 'signed'));
  repo.gitIn(folder, 'update-ref', 'HEAD', commit);
  for (const one of [repo, inner]) {
    for (const name of ['filter.own.clean', 'filter.own.process', 'core.fsmonitor', 'gpg.program'])
      one.git('config', name, `touch '${trace}'; false`);
    one.git('config', 'log.showSignature', 'true');
  }
  inner.write('.git/info/attributes', '* filter=own\n');
  // Git compares contents where only the time differs.
  for (const file of ['readme.txt', 'inner/readme.txt']) utimesSync(join(folder, file), 1, 1);
  expect(await kept()).toContain('submodules');
  expect(existsSync(trace)).toBe(false);
});

test('a folder that is something else by now is kept', async () => {
  rmSync(folder, { recursive: true });
  await expect(kept()).rejects.toMatchObject({ code: 'not_found' });
  mkdirSync(folder);
  expect(await kept()).toEqual(['other']);
  repo.gitIn(folder, 'init', '-q');
  expect(await kept()).toEqual(['other']);
  rmSync(folder, { recursive: true });
  const other = new Repository({ place: repo.place, name: 'other' });
  other.git('worktree', 'add', '-q', '-b', 'own', folder);
  expect(await kept()).toEqual(['other']);
});
