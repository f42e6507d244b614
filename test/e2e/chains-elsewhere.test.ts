import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

test('a job of another registry is waited for, also by the next hub, and shown as it is', async ({ lab }) => {
  lab.expected.push(/^other\//);
  const other = join(lab.folder, 'other/jobs');
  const submit = (...words: string[]) => lab.json('submit', ...words, '--agent', 'human', '--no-wait');
  const there = String((await submit('A', '--registry-dir', other))['job_id']);
  const here = String((await submit('A'))['job_id']);
  const prompt = `{{result:${there}}} is what A says`;
  const { job_id, summary } = await submit(prompt, '--after', there, '--after', here);
  const next = String(job_id);
  // Else a part of its id would name the other one.
  expect(next).not.toContain(there.slice(0, 8));
  expect(summary).toContain(`is for a person, and is registered and waiting: it waits for ${there}`);
  expect((await lab.mam('done', there, 'Yes', '--registry-dir', other)).code).toBe(0);
  await lab.killHub();
  expect((await lab.mam('status', next)).stdout).toContain(`${there} (completed), ${here} (working)`);
  expect((await lab.mam('done', here, 'ok')).code).toBe(0);
  await lab.event(next, 'prepared');
  expect(lab.record(next)).toMatchObject({ status: 'working', prepared: ['after'] });
  expect((await lab.mam('done', next)).code).toBe(0);
});

test('a job that was removed is no longer waited for, and is not taken for another one', async ({ lab }) => {
  const submit = async (...words: string[]) =>
    String((await lab.json('submit', ...words, '--agent', 'human', '--no-wait'))['job_id']);
  const first = await submit('A');
  const second = await submit('B', '--after', first);
  const third = await submit(`After ${first}`, '--after', first, '--after-any-end');
  rmSync(lab.paths(first).folder, { recursive: true });
  await until('the second has failed', () => lab.record(second).status === 'failed');
  expect(lab.record(second)).toMatchObject({
    reason: 'dependency_failed',
    detail: expect.stringContaining(`Job ${first}, which this one waits for, was removed.`),
  });
  await until('the third goes on', () => lab.record(third).status === 'working');
  expect((await lab.mam('status', third)).stdout).toContain(`${first} (unknown)`);
  expect((await lab.mam('done', third)).code).toBe(0);
});
