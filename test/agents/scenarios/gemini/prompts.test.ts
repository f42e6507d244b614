import { expect } from 'vitest';
import { testOf } from '../../lab-test.ts';
import { homeOf } from '../../programs.ts';
import { told } from '../../told.ts';

const test = testOf(homeOf('gemini'));

test('gemini: prompts are slash commands, with named arguments', async ({ lab }) => {
  const text = await told(lab, 'gemini', '-p', '/delegate --agent="codex" --task="Mend the roof"');
  // It shows its model the words of the prompt as JSON.
  expect(text.replaceAll('\\"', '"')).toContain(
    'Call delegate_job with {"agent":"codex","prompt":"Mend the roof"}.',
  );
});

test('gemini: without names only the first word is passed on, and the prompt says so', async ({ lab }) => {
  const text = await told(lab, 'gemini', '-p', '/delegate codex Mend the roof');
  expect(text.replaceAll('\\"', '"')).toContain('{"agent":"codex","prompt":"Mend"}.');
  expect(text).not.toContain('the roof');
  expect(text).toContain('ask the person for the whole task first');
});
