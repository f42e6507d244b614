#!/usr/bin/env node
// Runs an installed bin's demo, then starts it as an MCP client would and lists its tools: node scripts/try-package.mjs
// PATH/TO/mam
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [bin] = process.argv.slice(2);
const demo = spawnSync(bin, ['demo'], { encoding: 'utf8' });
if (demo.status !== 0) console.error(demo.stdout + demo.stderr);
const home = mkdtempSync(join(tmpdir(), 'mam-package-'));
const child = spawn(bin, [], { env: { ...process.env, MAM_HOME: home }, stdio: ['pipe', 'pipe', 'inherit'] });
let text = '';
child.stdout.on('data', (chunk) => {
  text += chunk;
});
for (const message of [
  {
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'try', version: '1' } },
  },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list' },
]) {
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}
child.stdin.end();
child.on('exit', (code) => {
  rmSync(home, { recursive: true, force: true });
  const answers = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const names = answers.find(({ id }) => id === 2)?.result?.tools.map(({ name }) => name) ?? [];
  const version = answers.find(({ id }) => id === 1)?.result?.serverInfo.version;
  console.log(`the packed mam ${version} ended with ${code} and has the tools ${names.join(', ')}`);
  process.exitCode = code === 0 && demo.status === 0 && names.includes('delegate_job') ? 0 : 1;
});
