import { expect, test } from 'vitest';
import { maybe, text } from '../../src/base/fields.ts';
import { defineCommand } from '../../src/cli/core/command.ts';
import { helpText } from '../../src/cli/core/help.ts';
import { parseCommandLine } from '../../src/cli/core/parse.ts';

const command = defineCommand({
  about: ['Starts something.'],
  words: [{ name: 'KIND', about: 'what to start', needed: true }],
  options: {
    branch: maybe(text('its branch', { alone: /^b-/, short: 'b' })),
    name: maybe(text('its name')),
  },
  json: 'nothing',
  exits: { done: 'always' },
  examples: ['mam start this'],
  run: async () => 0,
});
const read = (...args: string[]) => {
  const { words, options } = parseCommandLine(command, args) ?? {};
  return { words, ...options };
};

test('an option that may stand alone takes only a word that looks like its value', () => {
  const words = ['this'];
  expect(read('this', '--branch', 'b-1')).toEqual({ words, branch: 'b-1', name: undefined });
  expect(read('--branch', 'this')).toEqual({ words, branch: '', name: undefined });
  expect(read('this', '--branch')).toEqual({ words, branch: '', name: undefined });
  expect(read('this', '-b', '--name', 'n')).toEqual({ words, branch: '', name: 'n' });
  expect(read('this')).toEqual({ words, branch: undefined, name: undefined });
});

test('a word that has no other place is its value, whatever it looks like', () => {
  const meant = { words: ['this'], branch: 'other' };
  expect(read('this', '--branch', 'other')).toMatchObject(meant);
  expect(read('--branch', 'other', 'this')).toMatchObject(meant);
  expect(read('--branch', 'other', '--name', 'n', 'this')).toMatchObject({ ...meant, name: 'n' });
  expect(() => read('this', '--branch', 'other', 'third')).toThrow('Unexpected argument "third"');
  expect(() => read('this', 'other', '--branch')).toThrow('Unexpected argument "other"');
  expect(() => read('this', '--branch', '--other')).toThrow('There is no option --other');
});

test('what follows = is always its value', () => {
  expect(read('--branch=other', 'this')).toMatchObject({ words: ['this'], branch: 'other' });
});

test('the help shows that its value may be left out', () => {
  expect(helpText('start', command)).toContain('-b, --branch [BRANCH]');
});
