import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changedFiles } from '../../src/git/between.ts';
import { differenceOf } from '../../src/git/diff.ts';
import { dirtyFiles, repositoryAround } from '../../src/git/look.ts';
import { withOwnFolder } from '../../src/git/own-folder.ts';
import { lookGit } from '../../src/git/run-git.ts';
import { Repository } from '../support/repository.ts';

let repo: Repository;
let marker: string;
beforeEach(() => {
  repo = new Repository();
  repo.commit('roof.txt', 'slate\n');
  marker = join(repo.place, 'marker');
});
afterEach(() => repo.remove());

/** What each look that reads files on the disk says about the repository. */
async function looks(folder = repo.folder) {
  const how = { env: repo.env };
  const from = repo.gitIn(folder, 'rev-parse', 'HEAD');
  const around = await repositoryAround(folder, how);
  if (around === undefined) throw new Error(`${folder} is in no repository`);
  const dirty = await dirtyFiles(around, true, how);
  const changed = await withOwnFolder(folder, how, (own) => changedFiles(folder, [from], own));
  const { text, files } = await differenceOf({ folder, from }, { stat: false, exact: false }, how);
  return { dirty: dirty.map(({ path, state }) => `${state} ${path}`), changed, text: text.toString(), files };
}

/** As users run it: then the programs of the repository do run. */
function status(): void {
  spawnSync('git', ['diff', 'HEAD'], { cwd: repo.folder, env: repo.env });
}

test('nothing that a repository names is run', async () => {
  const script = join(repo.place, 'script');
  writeFileSync(script, `#!/bin/sh\necho "$0" >> '${marker}'\ncat\n`, { mode: 0o755 });
  mkdirSync(join(repo.place, 'hooks'));
  const hook = join(repo.place, 'hooks', 'post-index-change');
  writeFileSync(hook, `#!/bin/sh\ntouch '${marker}'\n`, { mode: 0o755 });
  repo.write('.gitattributes', '*.txt filter=evil diff=evil\n*.md filter=evil.two\n');
  const named = ['core.fsmonitor', 'core.pager', 'pager.diff', 'diff.external', 'core.sshCommand'];
  const driven = ['diff.evil.command', 'diff.evil.textconv', 'filter.evil.clean', 'filter.evil.smudge'];
  for (const name of [...named, ...driven, 'filter.evil.process', 'filter.evil.two.clean'])
    repo.git('config', name, script);
  repo.git('config', 'filter.evil.required', 'true');
  repo.git('config', 'core.hooksPath', join(repo.place, 'hooks'));
  writeFileSync(join(repo.folder, 'roof.txt'), 'slate\ntin\n');
  repo.write('new.md', 'new\n');
  rmSync(marker, { force: true });
  const { text, dirty } = await looks();
  expect(text).toContain('\n+tin');
  expect(dirty).toEqual(['modified roof.txt', 'untracked .gitattributes', 'untracked new.md']);
  expect(existsSync(marker)).toBe(false);
  status();
  expect(existsSync(marker)).toBe(true);
});

test.each([
  ['with =', Buffer.from('a=b'), ''],
  ['that is no UTF-8', Buffer.from([0xff]), ''],
  ['after very many settings', Buffer.from('last'), `[x]\n${'\tkey = 1\n'.repeat(1_000_000)}`],
])('no filter %s is run', async (_, name, before) => {
  const line = (start: string, end: string) => Buffer.concat([Buffer.from(start), name, Buffer.from(end)]);
  const filter = line('[filter "', `"]\n\tclean = "touch '${marker}'; cat"\n`);
  appendFileSync(join(repo.folder, '.git/config'), Buffer.concat([Buffer.from(before), filter]));
  writeFileSync(join(repo.folder, '.gitattributes'), line('* filter=', '\n'));
  writeFileSync(join(repo.folder, 'roof.txt'), 'slate\ntin\n');
  expect((await looks()).text).toContain('\n+tin');
  expect(existsSync(marker)).toBe(false);
  status();
  expect(existsSync(marker)).toBe(true);
});

test('settings that change during a look run nothing either', async () => {
  const config = join(repo.folder, '.git/config');
  const honest = readFileSync(config);
  repo.write('.gitattributes', '* filter=evil\n');
  writeFileSync(join(repo.folder, 'roof.txt'), 'slate\ntin\n');
  await withOwnFolder(repo.folder, { env: repo.env }, async (own) => {
    appendFileSync(config, `[filter "evil"]\n\tclean = "touch '${marker}'; cat"\n`);
    const said = await lookGit(repo.folder, ['status', '--porcelain'], own);
    expect(said.stdout).toBe(' M roof.txt\n?? .gitattributes\n');
  });
  expect(existsSync(marker)).toBe(false);
  writeFileSync(config, honest);
});

test('ignored files, a linked worktree, an index of two files, SHA-256 and line ends are as git has them', async () => {
  const other = join(repo.place, 'other');
  repo.git('init', '-q', '--object-format=sha256', other);
  const git = (...words: string[]) => repo.gitIn(other, ...words);
  git('config', 'core.autocrlf', 'true');
  git('config', 'core.excludesFile', join(repo.place, 'ignored'));
  writeFileSync(join(repo.place, 'ignored'), '*.log\n');
  repo.write('.git/info/exclude', 'build\n', other);
  for (const name of ['build', 'x.log']) repo.write(name, 'left out\n', other);
  repo.commit('roof.txt', 'slate\r\n', 'The roof', other);
  const linked = join(repo.place, 'größe "linked"\nhere');
  git('worktree', 'add', '-q', '-b', 'linked', linked);
  git('update-index', '--split-index');
  repo.write('roof.txt', 'slate\r\ntin\r\n', other);
  const { dirty, changed, files } = await looks(other);
  expect(dirty).toEqual(['modified roof.txt']);
  expect(changed).toEqual([{ path: 'roof.txt', added: 1, deleted: 0 }]);
  expect(files).toEqual(changed);
  expect(await looks(linked)).toEqual({ dirty: [], changed: [], text: '', files: [] });
});

test('in a sparse checkout, what was left out is no change, and a change in what was left out is one', async () => {
  repo.commit('in/a.txt', 'a\n');
  repo.commit('out/b.txt', 'b\n');
  repo.git('sparse-checkout', 'set', 'in');
  expect((await looks()).dirty).toEqual([]);
  repo.write('out/b.txt', 'changed\n');
  expect((await looks()).dirty).toEqual(['modified out/b.txt']);
  repo.git('sparse-checkout', 'init', '--cone', '--sparse-index');
  expect((await looks()).dirty).toEqual(['modified out/b.txt']);
});

test('before the first commit every file is new', async () => {
  const empty = join(repo.place, 'empty');
  repo.git('init', '-q', empty);
  repo.write('a.txt', 'a\n', empty);
  const how = { env: repo.env };
  const around = await repositoryAround(empty, how);
  expect(around && (await dirtyFiles(around, true, how))).toMatchObject([
    { path: 'a.txt', state: 'untracked' },
  ]);
});
