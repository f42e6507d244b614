import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/mcp/arguments.ts';
import { toJsonSchema } from '../../src/mcp/json-schema.ts';
import type { Tool } from '../../src/tool/tool.ts';
import { tools } from '../../tools/index.ts';
import { sharing } from '../support/lab-test.ts';

interface Field {
  type: string;
  enum?: string[];
  items?: Field;
  minimum?: number;
  maximum?: number;
}
type Shown = [value: unknown, others: unknown[]];

/** A usual value of a field, and other spellings that clients and models use. */
function shown(name: string, { type, enum: words, items, minimum = 0 }: Field): Shown {
  const number = Math.max(minimum, 7);
  if (words !== undefined) {
    const [word = ''] = words;
    return [
      word,
      [[word], ` ${word}\n`, word.toUpperCase(), word.replaceAll('_', '-'), `"${word}"`, `'${word}'`],
    ];
  }
  switch (type) {
    case 'integer':
    case 'number':
      return [number, [`${number}`, ` ${number} `, `${number}.0`, `"${number}"`, [number], [`${number}`]]];
    case 'boolean':
      return [true, ['true', 'True', ' TRUE\n', 'yes', 'On', '"true"', 1, '1', [true]]];
    case 'array': {
      const [item, others] = shown(name, items ?? { type: 'string' });
      const quoted = [JSON.stringify([item]), `['${item}']`, JSON.stringify(JSON.stringify([item]))];
      const isWords = items?.enum !== undefined || name.endsWith('_ids');
      const single = [item, ...quoted.slice(0, isWords ? 3 : 2), [[item]], ...others.map((other) => [other])];
      return [[item], single];
    }
    default:
      return name.endsWith('_id') || name.endsWith('_ids')
        ? [
            '1234',
            [1234, ['1234'], '["1234"]', '"1234"', ' 1234\n', '[ "1234" ]', "['1234']", '"\\"1234\\""'],
          ]
        : ['1234', [1234, ['1234']]];
  }
}

const fieldsOf = (tool: Tool): [string, Field][] =>
  Object.entries(toJsonSchema(tool.inputSchema, 'input')['properties'] as Record<string, Field>);
const neededBy = (tool: Tool): string[] =>
  (toJsonSchema(tool.inputSchema, 'input')['required'] as string[] | undefined) ?? [];
const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const usual = (tool: Tool): Record<string, unknown> =>
  Object.fromEntries(fieldsOf(tool).map(([name, field]) => [name, shown(name, field)[0]]));

describe.each(tools.map((tool) => [tool.name, tool as unknown as Tool] as const))('%s', (_, tool) => {
  const all = usual(tool);
  const plain = parseArguments(tool, all);

  test('accepts each argument in any spelling that is unambiguous', () => {
    for (const [name, field] of fieldsOf(tool)) {
      for (const other of shown(name, field)[1])
        expect(parseArguments(tool, { ...all, [name]: other }), `${name}: ${JSON.stringify(other)}`).toEqual(
          plain,
        );
      const { [name]: value, ...rest } = all;
      expect(parseArguments(tool, { ...rest, [camel(name)]: value })).toEqual(plain);
    }
    const whole = [
      { arguments: all },
      { name: tool.name, arguments: JSON.stringify(all) },
      { args: all, x: null },
    ];
    for (const other of [...whole, JSON.stringify(all), JSON.stringify(JSON.stringify(all))])
      expect(parseArguments(tool, other)).toEqual(plain);
  });

  test('accepts null and nothing for what may be left out, and says what is missing', () => {
    const needed = neededBy(tool);
    const least = Object.fromEntries(Object.entries(all).filter(([name]) => needed.includes(name)));
    const names = fieldsOf(tool).map(([name]) => name);
    for (const nothing of [null, '']) {
      const empty = Object.fromEntries(names.map((name) => [name, nothing]));
      expect(parseArguments(tool, { ...empty, ...least, unknown: null })).toEqual(
        parseArguments(tool, least),
      );
    }
    for (const name of needed)
      expect(() => parseArguments(tool, { ...least, [name]: null })).toThrow(`\`${name}\` is missing`);
    if (needed.length === 0)
      for (const nothing of [null, '{}', { arguments: {} }, { arguments: null }, { arguments: '' }])
        expect(parseArguments(tool, nothing)).toEqual(parseArguments(tool, {}));
  });

  test('refuses what is ambiguous, and says what it accepts', () => {
    const wrong: Record<string, unknown[]> = {
      integer: ['seven', 'null', {}, [1, 2], true, '0x10'],
      number: ['seven', '60s', {}, [1, 2], true],
      boolean: ['maybe', 2, {}, [true, false]],
      string: [{}, ['1', '2'], true, []],
      array: [{}, true, [{}], [['1', '2']]],
    };
    for (const [name, field] of fieldsOf(tool)) {
      // It may also be `true`: a new branch.
      const isFine = (value: unknown) => name === 'worktree' && value === true;
      for (const value of (wrong[field.type] ?? []).filter((one) => !isFine(one))) {
        const call = () => parseArguments(tool, { ...all, [name]: value });
        expect(call, `${name}: ${JSON.stringify(value)}`).toThrow(`\`${name}\``);
        if (field.enum !== undefined) expect(call).toThrow(`must be one of: ${field.enum.join(', ')}`);
      }
    }
    expect(() => parseArguments(tool, { ...all, surprise: 1 })).toThrow(
      /has no parameter `surprise`.*It has/,
    );
    expect(() => parseArguments(tool, { arguments: all, surprise: 1 })).toThrow('has no parameter');
    for (const none of ['{', '[]', 7, [1]])
      expect(() => parseArguments(tool, none)).toThrow('The arguments must be one JSON object.');
  });
});

test('a worktree may be asked for by a word, and one that says no asks for none', () => {
  const tool = tools.find(({ name }) => name === 'delegate_job') as unknown as Tool;
  const asked = (worktree: unknown) => parseArguments(tool, { prompt: 'x', worktree })['worktree'];
  for (const yes of [true, 'true', 'True']) expect(asked(yes)).toBe(true);
  for (const no of [false, 'false', 'False', '']) expect(asked(no)).toBeUndefined();
  for (const branch of ['fix-login', 'truely', 'no/false']) expect(asked(branch)).toBe(branch);
});

test('a text is never taken for anything but itself', () => {
  const find = (name: string) => tools.find((tool) => tool.name === name) as unknown as Tool;
  for (const text of ['["a"]', '"a"', ' a ', 'null', '{"a":1}', '2', 'true']) {
    const report = { job_id: 'a', event: 'progress', detail: text, result: text };
    expect(parseArguments(find('publish_event'), report)).toMatchObject({ detail: text, result: text });
    expect(parseArguments(find('delegate_job'), { prompt: text })).toMatchObject({ prompt: text });
    expect(parseArguments(find('answer_job'), { job_id: 'a', text })).toMatchObject({ text });
  }
});

sharing('a client that always writes like this can do everything', async ({ lab, peer }) => {
  const server = await lab.startServer();
  const order = { prompt: 'Mend it', agent: 'Command', agent_session: peer.address, trust_pane: 'true' };
  const nothing = { workdir: null, validate: '', request_key: null, on_busy: 'Queue', timeout_seconds: '60' };
  const { job_id: id } = await server.ask('delegate_job', {
    ...order,
    ...nothing,
    dry_run: 'false',
    start: 0,
  });
  const report = { job_id: `["${id}"]`, event: 'STARTED', detail: null, result: null, files: null };
  expect(await server.ask('publish_event', report)).toMatchObject({ recorded: true, task: 'Mend it' });
  const status = await server.ask('job_status', { job_id: [id], events_after: '0', task_offset: null });
  expect(status.events.length).toBeGreaterThan(1);
  expect(await server.ask('wait_job', { job_ids: id, timeout_seconds: '0', cursor: '' })).toMatchObject({
    jobs: [{ job_id: id, status: 'working' }],
  });
  expect(await server.ask('job_logs', { jobId: id, include: 'events,screen' })).toHaveProperty('screen');
  const done = { ...report, event: 'completed', files: '["a.txt"]' };
  expect(await server.ask('publish_event', done)).toMatchObject({ status: 'completed' });
  expect(lab.record(id).files).toEqual(['a.txt']);
});
