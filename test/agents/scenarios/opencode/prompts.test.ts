import { expect } from 'vitest';
import { testOf } from '../../lab-test.ts';
import { homeOf } from '../../programs.ts';
import { told } from '../../told.ts';

const test = testOf(homeOf('opencode'));

test('opencode: prompts are commands, into which it inserts the words', async ({ lab }) => {
  const text = await told(lab, 'opencode', 'run', '--command', 'mam:delegate', 'codex', 'Mend the roof');
  expect(text).toContain('Delegate this task to the agent codex');
  expect(text).toMatch(/Call delegate_job with \{"agent":"codex","prompt":".*Mend the roof.*"\}\./);
});

test('opencode: a command without words means all open jobs', async ({ lab }) => {
  const text = await told(lab, 'opencode', 'run', '--command', 'mam:supervise');
  expect(text).toContain('If there is a job id between these quotes, "", wait only for that job.');
});
