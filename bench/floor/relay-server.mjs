#!/usr/bin/env node
// The floor of `publish_event` and `wait_job`: `node relay-server.mjs SOCKET`, a minimal MCP server whose call
// `publish` is answered when journal.mjs has its line on disk, and `wait` when someone else's line is there.
import { createConnection } from 'node:net';

const socket = createConnection(process.argv[2]);
const calls = { publish: [], wait: [] };

lines(process.stdin, (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method !== 'tools/call') return answer(id, { protocolVersion: params.protocolVersion });
  calls[params.name].push(id);
  if (params.name === 'publish') socket.write(`${JSON.stringify(params.arguments)}\n`);
});
lines(socket, (line) => {
  const id = calls[line === 'ok' ? 'publish' : 'wait'].shift();
  if (id !== undefined) answer(id, { content: [{ type: 'text', text: 'ok' }], structuredContent: {} });
});
process.stdin.on('end', () => process.exit(0));

function answer(id, result) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}

function lines(stream, take) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop();
    for (const line of whole) take(line);
  });
}
