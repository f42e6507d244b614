import { expect, test } from 'vitest';
import { chosen } from './programs.ts';

const names = (...words: string[]) => chosen(words).map(({ kind, npm }) => `${kind}@${npm.version}`);

test('the agents that --agent names, or all if it is absent', () => {
  expect(chosen([]).map(({ kind }) => kind)).toEqual(['claude-code', 'codex', 'gemini', 'opencode']);
  expect(chosen(['']).length).toBe(4);
  expect(names('codex@0.1.2', 'gemini@1.2.3-nightly.4')).toEqual(['codex@0.1.2', 'gemini@1.2.3-nightly.4']);
  expect(chosen(['codex'])[0]?.npm).toEqual({
    name: '@openai/codex',
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  });
});

test.for([
  {
    words: ['codx'],
    says: 'There are no scenarios for an agent "codx". Was codex meant? Choose among claude-code, codex',
  },
  { words: ['aider'], says: 'an agent "aider". Choose among' },
  {
    words: ['codex@latest'],
    says: '"latest" is not a version of codex. Give the whole number, such as codex@',
  },
  { words: ['codex@'], says: '"" is not a version of codex.' },
  { words: ['codex@1.2.3 || true'], says: '`npm view @openai/codex version` tells the newest' },
  { words: ['codex', 'codex@1.2.3'], says: 'The agent codex is named twice' },
])('refused with the next step: $words', ({ words, says }) => {
  expect(() => chosen(words)).toThrow(says);
});
