import { describe, expect, test } from 'vitest';
import { optionName } from '../../src/base/fields.ts';
import type { Command } from '../../src/cli/core/command.ts';
import { parseCommandLine } from '../../src/cli/core/parse.ts';
import { commands } from '../../src/cli/index.ts';
import { sharing } from '../support/lab-test.ts';

const DASHED = ['- x', '-x', '--', '---', '-1', '--no way', '-', '-=-', '- first\n- second', '--job2=x'];
const loaded = await Promise.all(
  Object.entries(commands).map(async ([name, { load }]) => ({ name, command: await load() })),
);
const read = (command: Command, args: string[]) =>
  parseCommandLine({ ...command, words: free(command) }, args);

/** Without required words: each test looks at one part only. */
const free = ({ words = [] }: Command): NonNullable<Command['words']> =>
  words.map(({ needed: _, oneOf: __, ...word }) => word);

const optional = (command: Command): Command => ({
  ...command,
  options: Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [name, { ...option, optional: true }]),
  ),
});

describe.each(loaded)('mam $name', ({ command }) => {
  test('accepts a value that starts with a dash, for every option that takes a text', () => {
    for (const [field, { kind, alone }] of Object.entries(command.options)) {
      if (kind !== 'text' || alone !== undefined) continue;
      const name = optionName(field);
      for (const value of DASHED) {
        expect(read(optional(command), [`--${name}`, value])?.options[field], `--${name} ${value}`).toBe(
          value,
        );
        expect(read(optional(command), [`--${name}=${value}`])?.options[field]).toBe(value);
      }
    }
  });

  test('accepts words that start with a dash, and options after them', () => {
    const texts = command.words?.at(-1)?.many === true ? ['-x', '-no', '-really'] : [];
    for (const word of command.words === undefined ? [] : ['- x', '-1', '---', '--no way', '-', ...texts]) {
      expect(read(optional(command), [word, '--json'])).toMatchObject({ words: [word], json: true });
      const after = read(optional(command), ['--', word]);
      expect(command.rest === undefined ? after?.words : after?.rest).toEqual([word]);
    }
  });

  test('says in its own words what is wrong with an option', () => {
    const said = (...args: string[]): string => {
      try {
        read(optional(command), args);
      } catch (error) {
        return (error as { text?: string }).text ?? `${error}`;
      }
      return '';
    };
    expect(said('--nonsense')).toMatch(/^There is no option --nonsense\./);
    expect(said('--json=yes')).toBe('--json takes no value. Give --json alone.');
    expect(said('--registry-dir')).toMatch(/^--registry-dir has no value\. Give --registry-dir DIR: .*\.$/);
    expect(said('--registry-dir', '--json')).toMatch(/has no value.*--registry-dir=--json$/);
    expect(said('--jsno')).toContain('Did you mean --json?');
  });
});

describe('a text that begins with a dash', () => {
  sharing('is kept unchanged, from the shell to the journal', async ({ lab, peer }) => {
    const agent = ['--agent', 'command', '--trust-pane', '--agent-session', peer.session];
    const submit = ['submit', '--no-wait', ...agent];
    const submitted = await lab.mam(...submit, '--prompt', '- do this\n- and that');
    expect(submitted).toMatchObject({ code: 0 });
    const id = /^registered job: (\S+)$/m.exec(submitted.stdout)?.[1] ?? '';
    expect(lab.record(id).prompt_preview).toBe('- do this - and that');
    const detail = (type: string) => lab.events(id).findLast((event) => event.type === type)?.detail;

    const steps: [string[], string, string][] = [
      [['publish', '--job', id, '--event', 'progress', '--detail', '- x'], 'progress', '- x'],
      [['publish', '--job', id, '--event', 'progress', '--detail=-x'], 'progress', '-x'],
      [['publish', '--job', id, '--event', 'question', '--detail', '--why?'], 'question', '--why?'],
      [['answer', id, '- no'], 'answered', '- no'],
      [['answer', '--job', id, '-no', '--json'], 'answered', '-no'],
      [['cancel', id, '--reason', '- enough'], 'cancelled', '- enough'],
    ];
    for (const [args, type, words] of steps) {
      expect(await lab.mam(...args), args.join(' ')).toMatchObject({ code: 0 });
      expect(detail(type)).toBe(words);
    }
  });

  sharing('does not mistake a word for an option, or an option for a word', async ({ lab, peer }) => {
    const server = await lab.startServer();
    const { job_id: id } = await server.delegate(peer);
    // A decision, and no text: there is nothing to decide.
    const allow = await lab.mam('answer', id, '--allow');
    expect(allow.code).toBe(69);
    expect(lab.types(id)).not.toContain('answered');
    expect(await lab.mam('answer', id, '--alow')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Did you mean --allow?'),
    });
    expect(await lab.mam('publish', '--job', id, '--detail', '--event', 'progress')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--detail has no value'),
    });
  });
});
