import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changesOf } from '../../src/boards/terminal/changes.ts';
import { scratchFolder } from '../support/scratch.ts';

let folder: string;
let repository: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratchFolder(), 'mam-'));
  repository = join(folder, 'repository');
  mkdirSync(repository);
});
afterEach(() => rmSync(folder, { recursive: true }));

function git(...words: string[]): string {
  const person = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org'];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', [...person, ...words], { cwd: repository, env, encoding: 'utf8' });
}

function write(name: string, text: string): void {
  writeFileSync(join(repository, name), text);
}

/** A repository with one commit. */
function commit(text = 'slate\n'): void {
  git('init', '-q', '-b', 'main');
  write('roof.txt', text);
  git('add', '.');
  git('commit', '-qm', 'The roof');
}

async function shown(made = new Date().toISOString()): Promise<string> {
  return (await changesOf(repository, made)).map(({ text }) => text).join('\n');
}

describe('what changed in a working folder', () => {
  test('is its difference from the commit at the delegation, and its new files', async () => {
    commit();
    expect(await shown()).toMatch(/Compared with [0-9a-f]{7,} \(HEAD\).*\n\nNothing has changed\.$/);
    write('roof.txt', 'slate\ntin\n');
    write('note.txt', 'two slates are left\n');
    symlinkSync('/etc/passwd', join(repository, 'link'));
    writeFileSync(join(repository, 'picture'), Buffer.from([1, 0, 2]));
    const text = await shown();
    expect(text).toContain('roof.txt | 1 +');
    expect(text).toContain('\n+tin');
    expect(text).toContain('new file note.txt\n+two slates are left');
    expect(text).toContain('new file picture\nNot a text file; 3 bytes.');
    expect(text).toContain('new file link\nNot a plain file');
    expect(text).not.toContain('root:');
  });

  test('includes what was committed since', async () => {
    commit();
    const made = new Date(Date.now() + 1_000).toISOString();
    write('roof.txt', 'tin\n');
    const later = new Date(Date.now() + 60_000).toISOString();
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', 'commit', '-qam', 'Tin'], {
      cwd: repository,
      env: { ...process.env, GIT_COMMITTER_DATE: later, GIT_AUTHOR_DATE: later },
    });
    const text = await shown(made);
    expect(text).toMatch(/Compared with [0-9a-f]{7,}, checked out when the job was delegated/);
    expect(text).toContain('\n-slate\n+tin');
  });

  test('is said plainly where it is not known', async () => {
    expect(await shown()).toContain('This folder is not in a git repository');
    git('init', '-q');
    write('roof.txt', 'slate\n');
    expect(await shown()).toMatch(/There is no commit yet: every file is new\.(?:.|\n)*\+slate/);
    rmSync(repository, { recursive: true });
    expect(await shown()).toContain('This folder is gone');
  });

  test('is cut where it is long', async () => {
    commit();
    write('roof.txt', `${'x'.repeat(99)}\n`.repeat(30_000));
    write('new.txt', 'y\n'.repeat(40_000));
    const lines = await changesOf(repository, new Date().toISOString());
    expect(lines.length).toBeLessThan(30_000);
    expect(lines.some(({ text }) => text.startsWith('… '))).toBe(true);
  });
});

test('nothing that a repository names is run', async () => {
  commit();
  const marker = join(folder, 'marker');
  const script = join(folder, 'script');
  writeFileSync(script, `#!/bin/sh\necho "$0" >> '${marker}'\ncat\n`, { mode: 0o755 });
  mkdirSync(join(repository, 'hooks'));
  writeFileSync(join(repository, 'hooks', 'post-index-change'), `#!/bin/sh\ntouch '${marker}'\n`, {
    mode: 0o755,
  });
  write('.gitattributes', '*.txt filter=evil diff=evil\n*.md filter=evil.two\n');
  for (const [name, value] of [
    ...['core.fsmonitor', 'core.pager', 'pager.diff', 'diff.external', 'core.sshCommand'].map((one) => [
      one,
      script,
    ]),
    ...['diff.evil.command', 'diff.evil.textconv', 'filter.evil.clean', 'filter.evil.smudge'].map((one) => [
      one,
      script,
    ]),
    ['filter.evil.process', script],
    ['filter.evil.required', 'true'],
    ['filter.evil.two.clean', script],
    ['core.hooksPath', join(repository, 'hooks')],
  ])
    git('config', name ?? '', value ?? '');
  // What git itself would run.
  writeFileSync(join(repository, 'roof.txt'), 'slate\ntin\n');
  write('new.md', 'new\n');
  expect(existsSync(marker)).toBe(false);
  const text = await shown();
  expect(text).toContain('\n+tin');
  expect(text).toContain('new file new.md');
  expect(existsSync(marker)).toBe(false);
  spawnSync('git', ['diff', 'HEAD'], { cwd: repository });
  expect(existsSync(marker)).toBe(true);
});

test.each([
  ['with =', Buffer.from('a=b'), ''],
  ['that is no UTF-8', Buffer.from([0xff]), ''],
  [
    'after more settings than fit into an answer',
    Buffer.from('last'),
    `[x]\n${'\tkey = 1\n'.repeat(150_000)}`,
  ],
])('no filter %s is run', async (_, name, before) => {
  commit();
  const marker = join(folder, 'marker');
  const line = (start: string, end: string) => Buffer.concat([Buffer.from(start), name, Buffer.from(end)]);
  const filter = line('[filter "', `"]\n\tclean = "touch '${marker}'; cat"\n`);
  writeFileSync(
    join(repository, '.git/config'),
    Buffer.concat([Buffer.from(`[core]\n\tbare = false\n${before}`), filter]),
  );
  writeFileSync(join(repository, '.gitattributes'), line('* filter=', '\n'));
  write('roof.txt', 'slate\ntin\n');
  expect(await shown()).toContain('\n+tin');
  expect(existsSync(marker)).toBe(false);
  spawnSync('git', ['diff', 'HEAD'], { cwd: repository });
  expect(existsSync(marker)).toBe(true);
});

test('ignored files, a linked working tree, an index of two files, SHA-256 and line ends are as git has them', async () => {
  git('init', '-q', '-b', 'main', '--object-format=sha256');
  git('config', 'core.autocrlf', 'true');
  write('.git/info/exclude', 'build\n');
  write('build', 'left out\n');
  write('roof.txt', 'slate\r\n');
  git('add', '.');
  git('commit', '-qm', 'The roof');
  git('worktree', 'add', '-q', join(folder, 'linked'));
  git('update-index', '--split-index');
  write('roof.txt', 'slate\r\ntin\r\n');
  const text = await shown();
  expect(text).toContain('roof.txt | 1 +');
  expect(text).not.toContain('build');
  repository = join(folder, 'linked');
  expect(await shown()).toContain('Nothing has changed.');
});
