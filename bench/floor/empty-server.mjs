#!/usr/bin/env node
// The floor of a cold start and of a call: the smallest Node program that answers `initialize`, `tools/list` and
// `tools/call` on stdio. A call's argument `chars` is the length of its answer.
let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  rest += chunk;
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end);
    rest = rest.slice(end + 1);
    if (line !== '') answer(JSON.parse(line));
  }
});
process.stdin.on('end', () => process.exit(0));

function answer({ id, method, params }) {
  if (id === undefined) return;
  const results = {
    initialize: () => ({
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'floor', version: '0' },
    }),
    'tools/list': () => ({ tools: [] }),
    'tools/call': () => ({ content: [{ type: 'text', text: '.'.repeat(params.arguments?.chars ?? 0) }] }),
  };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: results[method]() })}\n`);
}
