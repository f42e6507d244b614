import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { exitCodeFor } from '../../src/cli/core/exit.ts';
import { commands } from '../../src/cli/index.ts';
import { sharing } from '../support/lab-test.ts';

const NONE = 'no-such-job-1234abcd';
const SUBMIT = ['submit', 'x', '--agent', 'command', '--agent-session', 'tmux:nowhere'];

/** Each command used correctly, but without what it needs. */
const MISSING: [string[], number, string | RegExp][] = [
  [['status', NONE], 69, 'There is no job with this id'],
  [['wait', NONE], 69, 'There is no job with this id'],
  [['logs', NONE], 69, 'There is no job with this id'],
  [['logs', NONE, '--follow'], 69, 'There is no job with this id'],
  [['verify', NONE], 69, 'There is no job with this id'],
  [['cancel', NONE], 69, 'There is no job with this id'],
  [['answer', NONE], 69, 'There is no job with this id'],
  [['answer', NONE, 'yes'], 69, 'There is no job with this id'],
  [['answer', 'yes', 'please'], 69, 'No open job here is waiting for an answer now. mam list'],
  [['allow'], 69, 'No open job here asks for a decision now. mam list'],
  [['deny', NONE], 69, 'There is no job with this id'],
  [['answer', '--job', NONE, '--allow'], 69, 'There is no job with this id'],
  [['attach'], 69, 'No open job here has a pane now. mam list'],
  [['attach', NONE], 69, 'There is no job and no tmux session'],
  [['done', NONE], 69, 'There is no job with this id'],
  [['done', 'well'], 69, 'No job for a person is open'],
  // The hub has looked and refused: an event that is kept nowhere would be 2.
  [['publish', NONE, 'progress'], 1, 'There is no job with this id'],
  [['publish', '--job', NONE, '--event', 'progress'], 1, 'There is no job with this id'],
  [SUBMIT, 69, /No tmux server is running|There is no tmux session/],
  [['stop', 'nowhere'], 69, /No tmux server is running|There is no session/],
  [['watch'], 69, 'needs a terminal'],
];

/** What is wrong on the command line. */
const WRONG: string[][] = [
  ['status'],
  ['status', '../x'],
  ['status', 'a', '--job', 'b'],
  ['wait', '--timeout', 'soon'],
  ['list', '--status', 'sleeping'],
  ['list', '--limit', '0'],
  ['logs', '--include', 'all', NONE],
  ['answer', NONE, 'yes', '--allow'],
  ['publish', '--job', NONE, '--event', 'done'],
  ['publish', NONE, 'done'],
  ['publish', NONE],
  ['publish'],
  ['publish', NONE, 'progress', 'half', '--detail', 'half'],
  ['allow', 'a', '--job', 'b'],
  ['publish', '--job', NONE, '--event', 'question'],
  ['submit'],
  ['submit', 'x', '--agent', 'codxe'],
  ['submit', 'x', '--workdir', 'nowhere', '--agent', 'human'],
  ['start', 'codxe'],
  ['prune', '--older-than', 'long'],
  ['hub', 'dance'],
  ['install', 'codxe'],
  ['completion', 'dos'],
  ['watch', '--json'],
];

test('only bad input is wrong usage, of all that can go wrong', () => {
  const codes = ['not_found', 'refused', 'conflict', 'unreachable', 'unavailable', 'io', 'internal'] as const;
  expect(exitCodeFor(new MamError('bad_input', ''))).toBe(64);
  for (const code of codes) expect(exitCodeFor(new MamError(code, '')), code).toBe(69);
  expect(exitCodeFor(new Error('a bug'))).toBe(69);
});

describe('exit codes', () => {
  sharing.for(MISSING)('%j is %i: nothing was used wrongly', async ([args, code, words], { lab }) => {
    const ended = await lab.start(args, { input: '' }).ended;
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^mam: .+\n$/) });
    expect(ended.stderr).toMatch(words);
  });

  sharing.for(WRONG)('%j is 64', async (args, { lab }) => {
    const ended = await lab.start(args, { input: '' }).ended;
    expect(ended).toMatchObject({ code: 64, stdout: '', stderr: expect.stringMatching(/^mam: .+\n$/) });
  });

  sharing('are 64 for an option that no command has, whatever the command', async ({ lab }) => {
    for (const name of Object.keys(commands).filter((one) => one !== 'hook'))
      expect((await lab.start([name, '--nonsense'], { input: '' }).ended).code, name).toBe(64);
  });

  sharing('are 69 if MAM_HOME is a file, even for what only reads', async ({ lab }) => {
    const home = lab.write('file', '');
    for (const args of [['list'], ['status', NONE], ['logs', '--list'], ['hub', 'logs'], ['agents']]) {
      const ended = await lab.start(args, { env: { MAM_HOME: home }, input: '' }).ended;
      expect(ended, args.join(' ')).toMatchObject({ code: 69, stdout: '' });
      expect(ended.stderr).toContain(`${home} is not a folder`);
    }
    const { stdout } = await lab.start(['doctor'], { env: { MAM_HOME: home }, input: '' }).ended;
    expect(stdout).toContain(`${home} is not a folder`);
    expect(stdout).not.toMatch(/The check .* failed|not like a hub/);
  });

  sharing('are 69 if no hub can start, whatever needs one', async ({ lab }) => {
    const home = join(lab.write('file', ''), 'x');
    const needing = [
      ['wait'],
      ['cancel', NONE],
      ['agents'],
      ['submit', 'x', '--agent', 'human'],
      ['stop', 'x'],
    ];
    for (const args of needing) {
      const ended = await lab.start(args, { env: { MAM_HOME: home }, input: '' }).ended;
      expect({ args, code: ended.code, stdout: ended.stdout }).toEqual({ args, code: 69, stdout: '' });
      expect(ended.stderr).toMatch(/^mam: .+\n$/);
    }
  });
});
