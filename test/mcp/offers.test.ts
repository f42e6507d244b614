import { existsSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, test } from 'vitest';
import { JOBS_URI, promptsOf, TEMPLATES } from '../../src/mcp/offers/offers.ts';
import { read } from '../docs/markdown.ts';
import { type McpClient, PROGRAM, type StartOptions } from '../support/mcp-client.ts';
import { clientStarter, sharedClient } from '../support/shared-client.ts';

const started = clientStarter();
async function start(options?: StartOptions): Promise<McpClient> {
  const client = started(options);
  await client.initialize();
  return client;
}

/** The client of all tests whose requests are refused. */
const refused = sharedClient();

/** The text of a prompt. */
async function prompt(client: McpClient, name: string, args?: Record<string, unknown>): Promise<string> {
  const { result, error } = await client.request('prompts/get', { name, ...(args && { arguments: args }) });
  if (error !== undefined) throw new Error(error.message);
  return result.messages[0].content.text;
}

/** All calls that a text spells out, with their arguments. */
function callsIn(text: string): [string, Record<string, unknown>][] {
  return [...text.matchAll(/call (\w+) with (\{.*?\})\./gi)].map(([, tool = '', args = '']) => [
    tool,
    JSON.parse(args),
  ]);
}

test('the lists are answered without loading, connecting or making anything', async () => {
  const client = await start();
  const { resources } = (await client.request('resources/list')).result;
  expect(resources.map((one: { uri: string }) => one.uri)).toEqual(['mam://jobs']);
  const { resourceTemplates } = (await client.request('resources/templates/list')).result;
  expect(resourceTemplates.map((one: { uriTemplate: string }) => one.uriTemplate)).toEqual([
    'mam://jobs/{id}',
    'mam://jobs/{id}/log',
    'mam://jobs/{id}/screen',
  ]);
  for (const one of [...resources, ...resourceTemplates]) {
    expect(one.name && one.title && one.description.length > 60, one.name).toBe(true);
    expect(one.mimeType).toMatch(/^(application\/json|text\/plain)$/);
    expect(one.annotations).toEqual({ audience: ['user', 'assistant'], priority: expect.any(Number) });
  }
  const { prompts } = (await client.request('prompts/list')).result;
  expect(
    prompts.map((one: { name: string; arguments: { name: string; required: boolean }[] }) => [
      one.name,
      ...one.arguments.map(({ name, required }) => `${name}${required ? '' : '?'}`),
    ]),
  ).toEqual([
    ['delegate', 'agent', 'task'],
    ['supervise', 'job?'],
    ['report', 'job_id'],
  ]);
  expect(JSON.stringify(prompts)).not.toContain('"description":""');
  expect(existsSync(client.home)).toBe(false);
  expect(existsSync(`${client.project}/.mam`)).toBe(false);
});

test('the SDK client understands all of it', async () => {
  const client = new Client({ name: 'sdk', version: '1' });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [PROGRAM], stderr: 'ignore' }),
  );
  expect(client.getServerCapabilities()).toEqual({
    tools: {},
    prompts: {},
    completions: {},
    resources: { subscribe: true, listChanged: true },
  });
  expect((await client.listResources()).resources).toHaveLength(1);
  expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(3);
  expect((await client.listPrompts()).prompts).toHaveLength(3);
  const { messages } = await client.getPrompt({ name: 'supervise' });
  expect(messages).toHaveLength(1);
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'delegate' },
    argument: { name: 'agent', value: 'c' },
  });
  // Those that begin with it, then those that contain it.
  expect(completion).toEqual({
    values: ['claude-code', 'codex', 'command', 'opencode'],
    total: 4,
    hasMore: false,
  });
  await client.close();
});

test('a prompt spells out calls that the tools accept', async () => {
  const client = await start({ env: { TMUX_TMPDIR: '/nowhere' } });
  const task = 'Mend the "roof" – {tin}.\nThen the gutter';
  const delegate = await prompt(client, 'delegate', { agent: 'codex', task: ` ${task} ` });
  expect(delegate).toContain(`Call delegate_job with ${JSON.stringify({ agent: 'codex', prompt: task })}.`);
  expect(delegate).toContain('wait_job');
  expect(await prompt(client, 'delegate', { agent: 'command', task: 'x' })).toContain('add agent_session');
  expect(await prompt(client, 'delegate', { agent: 'human', task: 'x' })).not.toContain('"start"');

  const supervise = await prompt(client, 'supervise', { job: 'roof-7f3kq2ab' });
  expect(callsIn(supervise)).toEqual([
    ['wait_job', { job_id: 'roof-7f3kq2ab' }],
    ['answer_job', { job_id: 'roof-7f3kq2ab', text: 'YOUR ANSWER' }],
    ['answer_job', { job_id: 'roof-7f3kq2ab', decision: 'allow' }],
    ['job_logs', { job_id: 'roof-7f3kq2ab', include: ['events', 'screen'] }],
  ]);
  for (const none of [undefined, {}, { job: '' }]) {
    expect(callsIn(await prompt(client, 'supervise', none)).slice(0, 2)).toEqual([
      ['wait_job', {}],
      ['list_jobs', { limit: 20 }],
    ]);
  }
  const report = callsIn(await prompt(client, 'report', { job_id: 'roof-7f3kq2ab' }));
  expect(report.map(([tool, args]) => [tool, args['job_id'], args['event']])).toEqual(
    ['started', 'completed', 'error', 'question'].map((event) => ['publish_event', 'roof-7f3kq2ab', event]),
  );
  const { result } = await client.request('tools/list');
  for (const [name, args] of [...callsIn(supervise), ...report]) {
    const tool = result.tools.find((one: { name: string }) => one.name === name);
    const known = Object.keys(tool.inputSchema.properties);
    for (const argument of Object.keys(args)) expect(known, name).toContain(argument);
  }
  // OpenCode later replaces these with a person's words.
  const later = await prompt(client, 'delegate', { agent: '$1', task: '$2' });
  expect(callsIn(later)[0]).toEqual(['delegate_job', { agent: '$1', prompt: '$2' }]);
  expect(later).not.toContain('first word');
  expect(await prompt(client, 'supervise', { job: '$1' })).toContain('these quotes, "$1",');
  expect(callsIn(await prompt(client, 'report', { job_id: '$1' }))[0]?.[1]).toMatchObject({ job_id: '$1' });
  // Others cut a task at its first blank.
  expect(await prompt(client, 'delegate', { agent: 'codex', task: 'Mend' })).toContain('first word');
  // No prompt sent a request.
  expect(existsSync(client.home)).toBe(false);
  // The calls in the prompt are valid for the tool.
  const dry = await client.call('delegate_job', { agent: 'codex', prompt: task, dry_run: true });
  expect(dry.content[0].text).toContain('No tmux server is running at /nowhere');
});

type Bad = [method: string, params: Record<string, unknown>, ...texts: string[]];

const BAD_PARAMS: Bad[] = [
  ['prompts/get', {}, 'no prompt with that name', 'delegate, supervise, report'],
  ['prompts/get', { name: 'delegat' }, 'The prompts are'],
  ['prompts/get', { name: 'delegate', arguments: { agent: 'codex' } }, '`task` is missing'],
  ['prompts/get', { name: 'delegate', arguments: { agent: 'codec', task: 'x' } }, 'Did you mean codex'],
  ['prompts/get', { name: 'delegate', arguments: { agent: 'codex', task: 7 } }, '`task` must be a string'],
  ['prompts/get', { name: 'delegate', arguments: { agent: 'codex', task: '\ud800' } }, 'surrogate'],
  ['prompts/get', { name: 'supervise', arguments: ['x'] }, 'object of strings'],
  ['prompts/get', { name: 'supervise', arguments: { id: 'x' } }, 'takes only the arguments `job`'],
  ['prompts/get', { name: 'supervise', arguments: { job: '../x' } }, 'not a job id', 'list_jobs'],
  ['prompts/get', { name: 'report' }, '`job_id` is missing. Expected: Id of the job'],
  ['resources/read', {}, '`uri` is missing'],
  ['resources/subscribe', { uri: 7 }, '`uri` is missing'],
  ['completion/complete', {}, '`argument` must have'],
  badCompletion({ type: 'ref/prompt', name: 'x' }, 'agent', 'The prompts are'),
  badCompletion({ type: 'ref/prompt', name: 'report' }, 'agent', 'no such argument'),
  badCompletion({ type: 'ref/resource', uri: 'mam://jobs' }, 'id', 'The templates are'),
  badCompletion({ type: 'ref/tool', name: 'x' }, 'id', 'ref/prompt or ref/resource'),
];
const NOT_FOUND: Bad[] = [
  ['resources/read', { uri: 'file:///etc/passwd' }, 'no such resource', 'mam://jobs/{id}'],
  ['resources/read', { uri: 'mam://jobs/' }, 'no such resource'],
  ['resources/read', { uri: 'mam://jobs/a/b' }, 'no such resource'],
  ['resources/read', { uri: 'mam://jobs/a/log/b' }, 'no such resource'],
  ['resources/read', { uri: 'mam://jobs/..%2fx/log' }, 'no job with this id', 'list_jobs'],
  ['resources/subscribe', { uri: 'mam://jobs/A' }, 'no job with this id', 'list_jobs'],
];

function badCompletion(ref: object, name: string, text: string): Bad {
  return ['completion/complete', { ref, argument: { name, value: '' } }, text];
}

test.each<[number, ...Bad]>([
  ...BAD_PARAMS.map((bad): [number, ...Bad] => [-32602, ...bad]),
  ...NOT_FOUND.map((bad): [number, ...Bad] => [-32002, ...bad]),
  [-32601, 'resources/subscriptions', {}, 'Method not found: resources/subscriptions'],
])('error %i for a bad %s %j', async (code, method, params, ...texts) => {
  const client = await refused();
  const { error } = await client.request(method, params);
  expect(error?.code).toBe(code);
  for (const text of texts) expect(error?.message).toContain(text);
  expect(error?.message).not.toContain('MCP error');
  // None of them needed a hub.
  expect(existsSync(`${client.home}/hub.lock`)).toBe(false);
  const { result } = await client.request('resources/unsubscribe', { uri: 'mam://jobs' });
  expect(result).toEqual({});
});

test('a peer gets the prompt for its report, and no resources', async () => {
  const client = await start({ env: { MAM_ROLE: 'peer' } });
  const { prompts } = (await client.request('prompts/list')).result;
  expect(prompts.map((one: { name: string }) => one.name)).toEqual(['report']);
  expect(await prompt(client, 'report', { job_id: 'roof-7f3kq2ab' })).toContain('publish_event');
  await expect(prompt(client, 'delegate', { agent: 'codex', task: 'x' })).rejects.toThrow('are: report.');
  for (const method of ['list', 'templates/list', 'read', 'subscribe', 'unsubscribe'])
    expect((await client.request(`resources/${method}`, { uri: 'mam://jobs' })).error?.code).toBe(-32601);
  const ref = { type: 'ref/resource', uri: 'mam://jobs/{id}' };
  const { error } = await client.request('completion/complete', { ref, argument: { name: 'id', value: '' } });
  expect(error?.code).toBe(-32602);
});

test('an unusable setting is reported by what needs it', async () => {
  const client = await start({ env: { MAM_BROKER_URL: 'nonsense' } });
  expect((await client.request('resources/list')).result.resources).toHaveLength(1);
  const { error } = await client.request('resources/read', { uri: 'mam://jobs' });
  expect(error?.message).toContain('MAM_BROKER_URL');
});

test('the document has every resource, prompt and argument', () => {
  const page = read('docs/resources.md');
  for (const uri of [JOBS_URI, ...TEMPLATES.map(({ uriTemplate }) => uriTemplate)])
    expect(page).toContain(`| \`${uri}\` |`);
  for (const { name, arguments: args = [] } of promptsOf('supervisor')) {
    const words = args.map((one) => `\`${one.name}\`${one.required === true ? '' : ' (optional)'}`);
    expect(page).toContain(`| \`${name}\` | ${words.join(', ')} |`);
  }
});
