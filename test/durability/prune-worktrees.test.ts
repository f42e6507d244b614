import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { JobTrees } from '../support/job-trees.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';

async function prune(lab: Lab, ...more: string[]) {
  const { stdout } = await lab.mam('prune', '--older-than', '0s', '--json', ...more);
  return JSON.parse(stdout);
}

test('mam prune removes the worktrees whose work is merged, and keeps and names all others with their jobs', async ({
  lab,
}) => {
  const trees = new JobTrees(lab);
  const { repo } = trees;
  const ids = ['merged', 'open', 'dirty', 'secret'].map((name) => `${name}-a2bcdefg`);
  const [merged = '', open = '', dirty = '', secret = ''] = ids;
  repo.commit('.gitignore', '.env\n');
  for (const id of ids) await trees.done(id);
  for (const id of [merged, dirty, secret]) repo.git('merge', '-q', '--no-ff', '-m', id, `mam/${id}`);
  repo.write('new.txt', 'new', trees.folder(dirty));
  repo.write('.env', 'KEY=1', trees.folder(secret));

  const dry = await prune(lab, '--dry-run');
  expect(dry.pruned).toMatchObject([{ job_id: merged, worktree: trees.folder(merged) }]);
  expect(existsSync(trees.folder(merged))).toBe(true);

  const { pruned, kept } = await prune(lab);
  expect(pruned).toMatchObject([{ job_id: merged, worktree: trees.folder(merged) }]);
  const why = Object.fromEntries(kept.map((one: { job_id: string; why: string }) => [one.job_id, one.why]));
  expect(why[open]).toContain('that no other branch has');
  expect(why[dirty]).toContain('1 untracked file or folder (new.txt)');
  expect(why[secret]).toContain('1 ignored file or folder that no branch has (.env)');
  expect(existsSync(trees.folder(merged))).toBe(false);
  for (const id of [open, dirty, secret]) expect(existsSync(join(trees.folder(id), 'readme.txt'))).toBe(true);
  expect(repo.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/mam')).toContain(merged);
  // What the user has removed by hand keeps no job.
  repo.git('worktree', 'remove', '--force', trees.folder(dirty));
  expect((await prune(lab)).pruned).toMatchObject([{ job_id: dirty }]);
});

test('mam prune in a worktree leaves it where it is', async ({ lab }) => {
  const trees = new JobTrees(lab);
  const id = 'merged-a2bcdefg';
  await trees.done(id);
  trees.repo.git('merge', '-q', `mam/${id}`);
  const at = { cwd: trees.folder(id), input: '', env: { MAM_REGISTRY_DIR: lab.registry } };
  const { stdout } = await lab.start(['prune', '--older-than', '0s', '--json'], at).ended;
  expect(JSON.parse(stdout)).toMatchObject({
    pruned: [],
    kept: [{ job_id: id, why: expect.stringContaining('work') }],
  });
  expect(existsSync(trees.folder(id))).toBe(true);
});
