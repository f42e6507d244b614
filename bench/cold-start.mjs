#!/usr/bin/env node
// Cold start of the server: spawn → `initialize` answered, and memory at rest, each as a ratio to an empty Node server
// that is measured in turn with it. Usage: node bench/cold-start.mjs [ROUNDS]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROUNDS = Number(process.argv[2] ?? 21);
const REST_MS = 300;
const programs = { floor: 'bench/floor/empty-server.mjs', mam: 'dist/main.js' };
const home = mkdtempSync(join(tmpdir(), 'mam-bench-'));

const results = Object.fromEntries(
  Object.keys(programs).map((name) => [name, { init: [], list: [], rss: [] }]),
);
for (let round = 0; round < ROUNDS; round++) {
  const names = Object.keys(programs);
  if (round % 2 === 1) names.reverse();
  for (const name of names) {
    const { init, list, rss } = await measure(programs[name]);
    results[name].init.push(init);
    results[name].list.push(list);
    results[name].rss.push(rss);
  }
}
rmSync(home, { recursive: true, force: true });

const { floor } = results;
for (const [name, { init, list, rss }] of Object.entries(results)) {
  console.log(
    `${name.padEnd(6)} initialize min ${at(init, 0).toFixed(0)} ms (${(at(init, 0) / at(floor.init, 0)).toFixed(2)}), ` +
      `p50 ${at(init, 0.5).toFixed(0)} ms (${(at(init, 0.5) / at(floor.init, 0.5)).toFixed(2)}) · ` +
      `tools/list p50 ${at(list, 0.5).toFixed(0)} ms (${(at(list, 0.5) / at(floor.list, 0.5)).toFixed(2)}) · ` +
      `RSS p50 ${at(rss, 0.5).toFixed(1)} MB`,
  );
}

/** One start: ms until `initialize` and until `tools/list` is answered, MB at rest after both. */
async function measure(program) {
  const started = performance.now();
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, MAM_HOME: home },
  });
  const lines = answers(child.stdout);
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'bench', version: '1' };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
  });
  await lines.next();
  const init = performance.now() - started;
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  await lines.next();
  const list = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
  child.stdin.end();
  await new Promise((resolve) => child.once('exit', resolve));
  return { init, list, rss };
}

async function* answers(stream) {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    rest += chunk;
    const lines = rest.split('\n');
    rest = lines.pop();
    yield* lines;
  }
}

/** The value at a share of the sorted values. */
function at(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
}
