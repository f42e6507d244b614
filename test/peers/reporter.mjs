import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * An MCP server in the peer role, as an agent has one; a new one is started if it has ended.
 * @returns a function that reports with it
 */
export function mcpReporter(program) {
  let server;
  return async (job_id, event, detail, result) => {
    if (server === undefined || server.ended) server = await start(program);
    const args = { job_id, event, detail, ...(result && { result }) };
    const said = await server.send('tools/call', { name: 'publish_event', arguments: args });
    if (said === undefined) return { words: 'the server has ended' };
    const stdout = said.content?.[0]?.text;
    return said.isError
      ? { code: 1, stdout, words: stdout }
      : { code: 0, stdout, answer: said.structuredContent };
  };
}

async function start(program) {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, MAM_ROLE: 'peer' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = new Map();
  const server = { ended: false, send };
  child.stdin.on('error', () => {});
  child.once('close', () => {
    server.ended = true;
    for (const done of waiting.values()) done(undefined);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message.result ?? { isError: true });
    waiting.delete(message.id);
  });
  let last = 0;
  function send(method, params) {
    if (server.ended) return undefined;
    last += 1;
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    return new Promise((done) => waiting.set(last, done));
  }
  const clientInfo = { name: 'peer', version: '1' };
  await send('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  return server;
}
