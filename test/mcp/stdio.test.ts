import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { LineAssembler } from '../../src/mcp/wire/lines.ts';
import { type McpClient, PROGRAM } from '../support/mcp-client.ts';
import { clientStarter } from '../support/shared-client.ts';
import { PATIENCE } from '../support/until.ts';

/** Claude Code kills after half a second. */
const END_MS = 500 * PATIENCE;
const MB = 1024 * 1024;

const start = clientStarter();

test.each<[string, (client: McpClient) => void]>([
  ['the end of its stdin', ({ child }) => child.stdin.end()],
  ['SIGTERM', ({ child }) => child.kill('SIGTERM')],
  ['SIGINT', ({ child }) => child.kill('SIGINT')],
  ['SIGHUP', ({ child }) => child.kill('SIGHUP')],
  [
    'the end of the reader of its answers',
    (client) => {
      client.child.stdout.destroy();
      client.send({ jsonrpc: '2.0', id: 99, method: 'ping' });
    },
  ],
])('%s ends the server', async (_, end) => {
  const client = start();
  await client.initialize();
  await client.request('tools/list');
  const since = Date.now();
  end(client);
  const { code, at } = await client.exited;
  expect(code).toBe(0);
  expect(at - since).toBeLessThan(END_MS);
});

test('answers all of a script that is piped in, even a last line without newline', async () => {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const script = [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'job_status', arguments: {} } },
  ];
  child.stdin.end(script.map((message) => JSON.stringify(message)).join('\n'));
  await new Promise((done) => child.once('close', done));
  const ids = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  expect(ids.sort()).toEqual([1, 2, 3]);
});

test('cancelling a call that was already answered, or never made, changes nothing', async () => {
  const client = start();
  await client.initialize();
  const call = { name: 'delegate_job', arguments: { prompt: 'x', agent: 'human', dry_run: true } };
  const { id, result } = await client.request('tools/call', call);
  expect(result.isError).toBeUndefined();
  // OpenCode sends this after each call; others might for calls of an earlier connection.
  for (const requestId of [id, 4711, 'never made', null, undefined]) {
    const params = { requestId, reason: 'stray' };
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
  }
  expect((await client.request('tools/call', call)).result.structuredContent.dry_run).toBe(true);
  expect(client.messages.filter((message) => message.id === id)).toHaveLength(1);
});

test('hundreds of calls at once are each answered once, even an unknown method', async () => {
  const client = start();
  await client.initialize();
  const call = { name: 'delegate_job', arguments: { prompt: 'x', agent: 'human', dry_run: true } };
  const answers = await Promise.all([
    ...Array.from({ length: 300 }, () => client.request('tools/call', call)),
    client.request('tools/nothing'),
  ]);
  expect(answers.at(-1)?.error?.code).toBe(-32601);
  expect(answers.slice(0, -1).every(({ result }) => result.structuredContent.dry_run)).toBe(true);
  expect(client.messages).toHaveLength(answers.length + 1);
  expect(client.stderr).not.toContain('MaxListeners');
});

test('what is not a message is answered, and the server continues', async () => {
  const client = start();
  await client.initialize();
  client.raw('this is no JSON\n\n  \n');
  expect((await client.answer(null)).error?.code).toBe(-32700);
  client.raw(
    '{"jsonrpc":"2.0","id":50}\n[{"jsonrpc":"2.0","id":51,"method":"ping"}]\n{"id":"a","method":"ping"}\n',
  );
  expect((await client.answer(50)).error?.code).toBe(-32600);
  expect((await client.answer('a')).error?.code).toBe(-32600);
  expect((await client.request('ping')).result).toEqual({});
  expect(client.messages.filter((message) => message.id === null)).toHaveLength(2);
});

test('a line of 11 MB is an ordinary call with a bad argument', async () => {
  const client = start();
  await client.initialize();
  const result = await client.call('delegate_job', { prompt: 'x'.repeat(11 * MB), agent: 'command' });
  expect(result.isError).toBe(true);
  expect(result.content[0].text).toContain('`prompt` is longer than 1 MiB');
  expect(result.content[0].text.length).toBeLessThan(1_000);
});

test('a line of 70 MB is skipped, and its call is answered if its id is found', async () => {
  const client = start();
  await client.initialize();
  const text = Buffer.alloc(70 * MB, 'x');
  client.raw(
    '{"jsonrpc":"2.0","id":70,"method":"tools/call","params":{"name":"a","arguments":{"id":1,"prompt":"',
  );
  client.raw(text);
  client.raw('"}}}\n');
  expect((await client.answer(70)).error).toMatchObject({ code: -32600 });
  client.raw('{"method":"tools/call","params":{"arguments":{"id":1,"prompt":"');
  client.raw(text);
  client.raw('"}},"jsonrpc":"2.0","id":"last"}\n');
  expect((await client.answer('last')).error?.message).toContain('64 MB');
  expect((await client.request('ping')).result).toEqual({});
});

test('lines are put together from pieces of any size, in linear time', () => {
  const lines: string[] = [];
  const assembler = new LineAssembler(
    { line: (text) => lines.push(text), tooLong: () => lines.push('long') },
    100,
  );
  for (const byte of Buffer.from('ab\n\ncdé\nx')) assembler.push(Buffer.from([byte]));
  assembler.end();
  assembler.push(Buffer.from(`${'y'.repeat(101)}\nz\n${'y'.repeat(100)}\n`));
  expect(lines).toEqual(['ab', 'cdé', 'x', 'long', 'z', 'y'.repeat(100)]);
});
