import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { plant, plantJob } from '../support/plant.ts';

test('mam status --short counts the open jobs of all projects on one line', async ({ lab }) => {
  const short = (...args: string[]) => lab.mam('status', '--short', ...args);
  // Before any hub has run.
  expect(await short()).toMatchObject({ code: 0, stdout: '\n', stderr: '' });
  expect(existsSync(lab.home)).toBe(false);
  const other = join(lab.folder, 'other', '.mam', 'jobs');
  for (const id of ['asks', 'works', 'waits', 'over']) plant(lab, id);
  plant(lab, 'elsewhere', {}, other);
  // What came with a clone is nobody's.
  plantJob(lab.registry, 'foreign', {}, lab.project);
  const reporter = await lab.reporter;
  const inOther = await lab.startServer({ MAM_REGISTRY_DIR: other });
  await reporter.report('asks', 'question', { detail: 'Which one?' });
  await reporter.report('works', 'started');
  await reporter.report('over', 'completed');
  await inOther.report('elsewhere', 'permission_required', { detail: 'May I?' });

  expect(await short()).toMatchObject({ code: 0, stdout: '2 need you · 1 working · 1 queued\n', stderr: '' });
  const everywhere = await lab.start(['status', '--short'], { cwd: '/', input: '' }).ended;
  expect(everywhere.stdout).toBe('2 need you · 1 working · 1 queued\n');
  expect((await short('--registry-dir', other)).stdout).toBe('1 needs you\n');
  const json = await lab.json('status', '--short', '--registry-dir', lab.registry);
  expect(json).toEqual({
    ...{ summary: '1 needs you · 1 working · 1 queued', needs_you: 1, working: 1, queued: 1 },
    next: 'mam answer asks "YOUR ANSWER"',
  });
  await lab.mam('hub', 'stop');
  const before = lab.hubs.length;
  expect((await short()).stdout).toBe('2 need you · 1 working · 1 queued\n');
  expect(lab.hubs).toHaveLength(before);

  expect(await short('asks')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--short is about all jobs.'),
  });
  // A folder that is gone is not counted, and nothing that cannot be read fails the bar.
  rmSync(join(lab.registry, 'works'), { recursive: true });
  expect((await short()).stdout).toBe('2 need you · 1 queued\n');
  chmodSync(join(lab.home, 'key'), 0);
  const broken = await short();
  chmodSync(join(lab.home, 'key'), 0o600);
  if (process.getuid?.() !== 0) expect(broken).toMatchObject({ code: 0, stdout: '\n' });
  await lab.mam('hub', 'stop');
  rmSync(join(lab.folder, 'other'), { recursive: true });
});
