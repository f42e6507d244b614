import { existsSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, test } from 'vitest';
import { Catalog } from '../../src/mcp/catalog.ts';
import { tools as declared } from '../../tools/index.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { clientStarter, sharedClient } from '../support/shared-client.ts';

const start = clientStarter();

/** A client after its handshake, for all tests whose calls do not affect the next one. */
const initialized = sharedClient();

test('the SDK client connects, lists the tools and calls one', async () => {
  const client = new Client({ name: 'sdk', version: '1' });
  const { project: cwd, home } = await initialized();
  const env = { ...getDefaultEnvironment(), MAM_HOME: home };
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [PROGRAM], stderr: 'ignore', cwd, env }),
  );
  expect(client.getServerVersion()?.name).toBe('mam');
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(declared.map((tool) => tool.name));
  // The SDK client checks structuredContent against the output schema.
  const result = await client.callTool({
    name: 'delegate_job',
    arguments: { prompt: 'Say hello', agent: 'human', dry_run: true },
  });
  expect(result.structuredContent).toMatchObject({ dry_run: true, status: 'queued' });
  await client.close();
});

test('initialize has no side effect, and instructions whose beginning suffices', async () => {
  const client = start();
  const { result } = await client.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  });
  expect(result.protocolVersion).toBe('2025-11-25');
  expect(result.serverInfo).toMatchObject({ name: 'mam', title: 'multi-agent-mux' });
  expect(result.instructions.length).toBeLessThanOrEqual(2_000);
  for (const word of ['delegate_job', 'wait_job', 'publish_event', 'tmux']) {
    expect(result.instructions.slice(0, 247)).toContain(word);
  }
  expect(existsSync(client.home)).toBe(false);
  expect(existsSync(`${client.project}/.mam`)).toBe(false);
});

test('a probe for the newer protocol is answered with method not found, then initialize works', async () => {
  const client = start();
  const probe = await client.request('server/discover', {
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
  });
  expect(probe.error?.code).toBe(-32601);
  expect((await client.initialize()).result.serverInfo.name).toBe('mam');
});

test('a peer gets what a peer needs', async () => {
  const client = start({ env: { MAM_ROLE: 'peer' } });
  const { result } = await client.initialize();
  expect(result.instructions).toContain('You are the peer');
  const list = await client.request('tools/list');
  expect(list.result.tools.map((tool: { name: string }) => tool.name)).toEqual([
    'job_status',
    'publish_event',
  ]);
  // The build made the list from these declarations.
  expect(list.result.tools).toEqual(JSON.parse(JSON.stringify(new Catalog(declared, 'peer').declarations)));
});

test('the text of an answer is its structuredContent, summary first', async () => {
  const client = await initialized();
  const result = await client.call('delegate_job', {
    prompt: 'Say "hello" – 안녕',
    agent: 'human',
    dry_run: true,
  });
  expect(result.isError).toBeUndefined();
  expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
  expect(Object.keys(result.structuredContent)[0]).toBe('summary');
});

test.each<[string, Record<string, unknown>, ...string[]]>([
  [
    'job_status',
    { jobid: 'x' },
    '`job_id` is missing',
    'Did you mean `job_id`?',
    'and call job_status again.',
  ],
  ['list_jobs', { bogus: 1 }, 'list_jobs has no parameter `bogus`.', 'Correct it and call list_jobs again.'],
  ['job_status', { job_id: {} }, '`job_id` must be a string, not an object'],
  ['delegate_job', { prompt: ' ' }, '`prompt` is empty'],
  ['delegate_job', { prompt: 'x', on_busy: 'wait' }, '`on_busy` must be one of: queue, refuse'],
  ['delegate_job', { prompt: 'x', timeout_seconds: 0 }, '`timeout_seconds` must be at least 1'],
  ['delegate_job', { prompt: 'x', validate_rounds: 1.5 }, '`validate_rounds` must be a whole number'],
  ['delegate_job', { prompt: 'x', agent: 'codec' }, 'There is no such agent kind', 'codex', 'agent_session'],
  ['delegate_job', { prompt: 'x', agent: '__proto__' }, 'There is no such agent kind'],
  ['start_agent', { agent: 'constructor' }, 'There is no such agent kind'],
  ['delegate_job', { prompt: 'x', agent: 'command' }, 'Give agent_session: tmux:NAME'],
  [
    'delegate_job',
    { prompt: 'x', agent: 'command', agent_session: 'a', notify: 'pane' },
    ...['you are not running in a tmux pane', 'Leave `notify` out'],
  ],
  ['publish_event', { job_id: 'x', event: 'done' }, '`event` must be one of: started, progress'],
  ['publish_event', { job_id: 'x', event: 'error', detail: 'x'.repeat(2001) }, 'at most 2000 characters'],
  [
    'publish_event',
    { job_id: 'x', event: 'completed', files: ['a', {}] },
    'Item 1 of `files` must be a string',
  ],
  ['publish_event', { job_id: '', event: 'completed' }, 'no job with this id', 'order in your pane'],
  ['list_jobs', { limit: 500 }, '`limit` must be at most 200'],
  ['wait_job', { job_ids: [] }, '`job_ids` is empty'],
  ['delegate_jobs', {}, 'no tool with that name', 'Did you mean delegate_job?', 'cancel_job'],
])('bad arguments of %s %j are refused with the reason', async (tool, args, ...texts) => {
  const client = await initialized();
  const result = await client.call(tool, args);
  expect(result.isError).toBe(true);
  expect(result.structuredContent).toBeUndefined();
  for (const text of texts) expect(result.content[0].text).toContain(text);
});

test('bad parameters are refused in a sentence before the handshake, and the server continues', async () => {
  const client = start();
  for (const [method, params, text] of [
    ['tools/call', undefined, '`name` must be the name of a tool'],
    ['tools/call', {}, '`name` must be the name of a tool'],
    ['tools/call', { name: null, arguments: {} }, 'tools/list returns them'],
    ['initialize', undefined, 'initialize needs `protocolVersion`'],
    [
      'initialize',
      { protocolVersion: 1, capabilities: {}, clientInfo: { name: 'a', version: '1' } },
      '(a string)',
    ],
    ['initialize', { protocolVersion: '2025-06-18', capabilities: null }, '`clientInfo` (an object'],
  ] as [string, Record<string, unknown> | undefined, string][]) {
    const { error } = await client.request(method, params);
    expect(error, `${method} ${JSON.stringify(params)}`).toEqual({
      code: -32602,
      message: expect.stringContaining(text),
    });
  }
  expect((await client.initialize()).result.serverInfo.name).toBe('mam');
});

test('arguments that are not an object are refused; null means none', async () => {
  const client = await initialized();
  const call = async (name: string, args: unknown) =>
    (await client.request('tools/call', { name, arguments: args })).result;
  for (const args of [[], 'job_id', 7]) {
    const { isError, content } = await call('job_status', args);
    expect(isError).toBe(true);
    expect(content[0].text).toBe(
      'The arguments must be one JSON object. Correct it and call job_status again.',
    );
  }
  expect((await call('job_status', null)).content[0].text).toContain('`job_id` is missing');
  expect((await call('list_jobs', null)).structuredContent.jobs).toEqual([]);
});

test('a request for a task is answered like any other', async () => {
  const client = await initialized();
  for (const task of [{ ttl: 60_000 }, {}, 'x']) {
    const params = { name: 'delegate_job', arguments: { prompt: 'x', agent: 'human', dry_run: true }, task };
    expect((await client.request('tools/call', params)).result.structuredContent.dry_run).toBe(true);
  }
});

test('an unusable setting is reported by the call, not by a dead server', async () => {
  const client = start({ env: { MAM_BROKER_URL: 'nonsense' } });
  await client.initialize();
  const result = await client.call('list_jobs');
  expect(result.isError).toBe(true);
  expect(result.content[0].text).toContain('MAM_BROKER_URL');
});
