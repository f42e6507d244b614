import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { JobTrees } from '../support/job-trees.ts';
import { sharing } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';

const test = sharing;
let count = 0;
const ESC = '\u001b';

test('in a pipe a patch of any length is exact, while the job runs and after it: git apply takes it', async ({
  lab,
}) => {
  const all = new JobTrees(lab, `räpo ${++count}`);
  const tree = all.job('e2xact');
  const binary = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 256));
  writeFileSync(join(tree.folder, 'picture.bin'), binary);
  writeFileSync(
    join(tree.folder, 'latin1.txt'),
    Buffer.from([0xe4, 0x0a, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x0a]),
  );
  all.repo.commit('long ü.txt', 'a line of the long one\n'.repeat(20_000), 'Long', tree.folder);
  const patch = join(lab.project, 'the.patch');
  const line = `"$0" "$1" diff e2xact > '${patch}'`;
  const { PROGRAM } = await import('../support/mcp-client.ts');
  execFileSync('bash', ['-c', line, process.execPath, PROGRAM], {
    ...{ cwd: all.repo.folder, env: { ...lab.env, ...all.env } },
  });
  all.repo.git('apply', patch);
  for (const name of ['picture.bin', 'latin1.txt', 'long ü.txt'])
    expect(readFileSync(join(all.repo.folder, name)).equals(readFileSync(join(tree.folder, name)))).toBe(
      true,
    );
  const stat = await all.mam('diff', 'e2xact', '--stat');
  expect(stat.stdout).toContain('3 files changed, 20002 insertions(+)');
  await all.end('e2xact');
  const { patch: text, ...view } = JSON.parse((await all.mam('diff', 'e2xact', '--json')).stdout);
  expect(text).toBeUndefined();
  expect(view).toMatchObject({
    ...{ base: tree.base, folder: tree.folder, branch: tree.branch, files_total: 3 },
    files: expect.arrayContaining([
      { path: 'picture.bin' },
      { path: 'long ü.txt', added: 20_000, deleted: 0 },
    ]),
    next: 'mam diff e2xact # then mam merge e2xact, or mam discard e2xact',
  });
  expect(Buffer.from(view.patch_base64, 'base64').equals(readFileSync(patch))).toBe(true);
});

test('on a terminal it is in colours, and nothing in it reaches the terminal as a command', async ({
  lab,
}) => {
  const all = new JobTrees(lab, `räpo ${++count}`);
  const tree = all.job('t2erm');
  all.repo.commit(
    'evil.txt',
    `${ESC}]0;owned\u0007red ${ESC}[31m\n--- minus\n+++ plus\n`,
    'Evil',
    tree.folder,
  );
  const { PROGRAM } = await import('../support/mcp-client.ts');
  const command = [process.execPath, PROGRAM, 'diff', 't2erm'].map((word) => `'${word}'`).join(' ');
  const shown = execFileSync('script', ['-qec', command, '/dev/null'], {
    ...{ cwd: all.repo.folder, env: { ...lab.env, ...all.env, TERM: 'xterm' }, encoding: 'utf8' as const },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(shown).not.toContain('owned');
  expect(shown).not.toContain(`${ESC}[31mred`);
  expect(shown).toContain(`${ESC}[32m+red`);
  // Lines of the file that look like git's own are still lines of the file.
  expect(shown).toContain(`${ESC}[32m+--- minus`);
  expect(shown).toContain(`${ESC}[32m++++ plus`);
  expect(shown).toContain(`${ESC}[1m--- /dev/null`);
});

test('once the worktree is gone, its branch is shown; without a git folder there is nothing to compare', async ({
  lab,
}) => {
  const all = new JobTrees(lab, `räpo ${++count}`);
  const tree = await all.done('g2one');
  all.repo.git('worktree', 'remove', tree.folder);
  const shown = await all.mam('diff', 'g2one');
  expect(shown.stdout).toContain('+g2one');
  expect(shown.stderr).toContain('is gone. This is what mam/g2one has.');
  all.repo.git('branch', '-q', '-D', tree.branch);
  expect((await all.mam('diff', 'g2one')).stderr).toContain('and its branch mam/g2one are gone');
  plant(lab, 'n2ogit');
  const none = await all.mam('diff', 'n2ogit');
  expect(none).toMatchObject({ code: 69, stdout: '' });
  expect(none.stderr).toContain('works in no git folder');
  expect((await all.mam('merge', 'n2ogit')).stderr).toContain('has no worktree');
  expect((await all.mam('discard', 'n2ogit', '--yes')).stderr).toContain('has no worktree');
});
