import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { choice, group, list, text } from '../../src/base/fields.ts';
import { Work } from '../../src/mcp/work.ts';
import { defineTool } from '../../src/tool/tool.ts';
import { McpClient, PROGRAM } from '../support/mcp-client.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const faulty = defineTool({
  name: 'faulty',
  title: 'Faulty',
  description: 'Fails as requested.',
  operation: {
    fields: { how: choice(['expected', 'unexpected', 'wrong output', 'more output']) },
    answer: { rows: list(group({ id: text() })) },
  },
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  roles: ['supervisor'],
  async handle({ how }, { progress }) {
    progress('working');
    if (how === 'expected') throw new MamError('not_found', 'There is no such job.', 'Call list_jobs.');
    if (how === 'unexpected') throw new TypeError('secret path /home/me is undefined');
    if (how === 'wrong output') return { summary: 'no rows' } as never;
    const rows = [{ id: 'a', newer: 1 }];
    return { rows, newer: 'field', next: 'Look.', summary: 'more than declared' };
  },
});

function call(how: string) {
  const work = new Work('supervisor', [faulty as never]);
  const client = { name: 'test', version: '1' };
  const surroundings = { client, meta: undefined, signal: new AbortController().signal, progress: () => {} };
  return work.call({ name: 'faulty', arguments: { how } }, surroundings);
}

test("an expected error's answer is its own text", async () => {
  expect(await call('expected')).toEqual({
    isError: true,
    content: [{ type: 'text', text: 'There is no such job. Call list_jobs.' }],
  });
});

test.each(['unexpected', 'wrong output'])('%s: a sentence for clients, the stack on stderr', async (how) => {
  const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const result = await call(how);
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result)).toContain('The server encountered an unexpected error');
  expect(JSON.stringify(result)).not.toMatch(/secret|\bat |Zod/);
  expect(log.mock.calls.join('')).toContain('unexpected: ');
});

test('fields that the schema does not name are dropped, and summary comes first', async () => {
  const { structuredContent, content } = await call('more output');
  expect(JSON.stringify(structuredContent)).toBe(
    '{"summary":"more than declared","rows":[{"id":"a"}],"next":"Look."}',
  );
  expect(content).toEqual([{ type: 'text', text: JSON.stringify(structuredContent) }]);
});

test('noise and uncaught errors go to stderr, and the server continues', async () => {
  const client = new McpClient({
    program: ['--require', join(import.meta.dirname, '../support/noise.cjs'), PROGRAM],
  });
  await client.initialize();
  await client.until(() =>
    client.stderr.includes('this error') && client.stderr.includes('this promise') ? true : undefined,
  );
  expect(client.stderr).toContain('noise on stdout');
  expect((await client.request('ping')).result).toEqual({});
  expect((await client.request('tools/list')).result.tools).not.toHaveLength(0);
  await client.close();
});
