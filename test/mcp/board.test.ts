import { expect, test } from 'vitest';
import { Catalog } from '../../src/mcp/catalog.ts';
import { tools as declared } from '../../tools/index.ts';
import type { McpClient } from '../support/mcp-client.ts';
import { clientStarter } from '../support/shared-client.ts';

const EXTENSION = 'io.modelcontextprotocol/ui';
const PAGE = 'text/html;profile=mcp-app';
const URI = 'ui://mam/board';

const started = clientStarter();

/** A client that has declared this about the extension. */
async function start(settings?: object, env: Record<string, string> = {}): Promise<McpClient> {
  const capabilities = settings === undefined ? {} : { extensions: { [EXTENSION]: settings } };
  const client = started({ capabilities, env });
  await client.initialize();
  return client;
}

/** The answers to a client that shows no pages: exactly these lines. */
async function seesNothing(client: McpClient, role: 'supervisor' | 'peer' = 'supervisor'): Promise<void> {
  const { id } = await client.request('tools/list');
  const tools = new Catalog(declared, role).declarations;
  expect(client.lines.at(-1)).toBe(JSON.stringify({ result: { tools }, jsonrpc: '2.0', id }));
  await client.request('resources/list');
  expect(client.lines.join('\n')).not.toContain('ui://');
  expect((await client.request('resources/read', { uri: URI })).error?.code).toBe(
    role === 'peer' ? -32601 : -32002,
  );
}

test('a client that does not declare pages notices nothing', async () => {
  await seesNothing(await start());
  await seesNothing(await start({}));
  await seesNothing(await start({ mimeTypes: 'text/html' }));
  await seesNothing(await start({ mimeTypes: ['text/uri-list'] }));
});

test('nor does a peer: the board would show it all jobs of the project', async () => {
  await seesNothing(await start({ mimeTypes: [PAGE] }, { MAM_ROLE: 'peer' }), 'peer');
});

test('a client that shows pages learns of the board from one tool, and from the list of resources', async () => {
  const client = await start({ mimeTypes: ['text/uri-list', PAGE] });
  const { tools } = (await client.request('tools/list')).result;
  const plain = JSON.parse(JSON.stringify(new Catalog(declared, 'supervisor').declarations));
  const opener = plain.find(({ name }: { name: string }) => name === 'list_jobs');
  opener._meta = { ui: { resourceUri: URI }, 'ui/resourceUri': URI };
  expect(tools).toEqual(plain);
  const listed = async () => (await client.request('resources/list')).result.resources;
  const [, board] = await listed();
  expect(board).toMatchObject({ uri: URI, name: 'board', mimeType: PAGE });
  expect(board.description.length).toBeGreaterThan(60);
  // And still after the rest of the server was loaded.
  await client.call('list_jobs');
  expect((await listed()).map(({ uri }: { uri: string }) => uri)).toEqual(['mam://jobs', URI]);
});

test('the page is one file that can access nothing', async () => {
  const client = await start({ mimeTypes: [PAGE] });
  const { contents } = (await client.request('resources/read', { uri: URI })).result;
  expect(contents).toEqual([
    { uri: URI, mimeType: PAGE, text: expect.any(String), _meta: { ui: { prefersBorder: true } } },
  ]);
  const [{ text }] = contents;
  expect(Buffer.byteLength(text)).toBeLessThan(60_000);
  expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(text).toContain(
    "content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';",
  );
  expect(text).not.toMatch(
    /https?:|url\(|@import|\ssrc=|innerHTML|outerHTML|insertAdjacentHTML|eval\(|fetch\(/,
  );
  // The two tags of the template, and none from the inserted text.
  expect(text.match(/<\/?script/g)).toEqual(['<script', '</script']);
});
