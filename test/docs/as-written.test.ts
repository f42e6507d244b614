import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';
import { lineWith, ROOT, read, shellCommands } from './markdown.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-written-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { isBuilt, isInstalled } = await import(pathToFileURL(join(ROOT, 'scripts/checkout.mjs')).href);

/** npm's own cache and settings, which a home of its own would hide. */
const npm = Object.fromEntries(
  ['cache', 'userconfig'].map((name) => [
    `npm_config_${name}`,
    spawnSync('npm', ['config', 'get', name], { cwd: ROOT, encoding: 'utf8' }).stdout.trim(),
  ]),
);

/** Runs a line of a document in a shell, in the checkout, with a home of its own. */
function type(line: string, env: Record<string, string> = {}) {
  return spawnSync('bash', ['-c', line], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, ...npm, ...env },
  });
}

test.each(['npm run --silent setup', 'npm install -g .'])('the checkout is installed as mam: %s', (line) => {
  // Otherwise the setup would replace what the tests run on.
  expect([isInstalled(), isBuilt()], 'npm ci and npm run build').toEqual([true, true]);
  const { stderr } = type(line, { npm_config_prefix: folder });
  const { stdout } = type('mam --version', { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` });
  expect(stdout.trim(), stderr).toBe(JSON.parse(read('package.json')).version);
});

test.each([
  ['claude-code', '.claude.json'],
  ['codex', '.codex/config.toml'],
  ['gemini', '.gemini/settings.json'],
  ['opencode', '.config/opencode/opencode.json'],
])('mam is installed into %s', (client, file) => {
  mkdirSync(join(folder, 'bin'));
  symlinkSync(PROGRAM, join(folder, 'bin', 'mam'));
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
  const dry = type(lineWith('docs/clients.md', 'mam install', client, '--dry-run'), env);
  expect(dry.stdout).toContain('Nothing was written: this is what would change.');
  expect(existsSync(join(folder, file))).toBe(false);
  const [line] = shellCommands(read('docs/clients.md')).filter((text) => text === `mam install ${client}`);
  expect(type(line ?? '', env)).toMatchObject({ status: 0 });
  const text = readFileSync(join(folder, file), 'utf8');
  expect(text).toContain(JSON.stringify(join(folder, 'bin', 'mam')));
  if (client === 'codex') {
    const { mam } = parse(text)['mcp_servers'] as { mam: Json };
    expect(mam).toMatchObject({
      env_vars: expect.arrayContaining(['TMUX', 'TMUX_PANE']),
      tool_timeout_sec: 86_400,
      env: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
    });
  } else if (client === 'gemini' || client === 'opencode') {
    const { mcpServers, mcp } = JSON.parse(text);
    const { timeout, env, environment } = (mcpServers ?? mcp).mam;
    // The client and wait_job are told the same time.
    expect(Number((env ?? environment).MAM_TOOL_TIMEOUT_SECONDS) * 1000).toBe(timeout);
  } else {
    // The example for a project is what is installed, by name.
    const example = JSON.parse(read('mcp.json.example')).mcpServers;
    const command = join(folder, 'bin', 'mam');
    expect(JSON.parse(text).mcpServers).toEqual({ mam: { ...example.mam, command } });
  }
});

const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined;

test.skipIf(!hasMosquitto)('the lines for mosquitto report and follow', async () => {
  const lab = new Lab();
  try {
    const job = plant(lab, 'planted');
    const server = await lab.startServer();
    await server.call('list_jobs');
    const { host, socket } = lab.hub();
    const here = (line: string) => line.replaceAll('~/.mam/hub.sock', socket).replaceAll('JOB_ID', job);

    const followed = join(folder, 'followed');
    type(
      `${here(lineWith('docs/protocol.md', 'mosquitto_sub', '/log'))} > ${followed} 2>&1 & echo $! > ${folder}/pid`,
    );
    lab.onEnd(() => process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8'))));
    // Nothing tells that a subscription is in force, so the event is repeated until it is seen.
    const progress = here(lineWith('docs/protocol.md', '"progress"'));
    await until('the event is followed', () => {
      expect(type(progress)).toMatchObject({ status: 0, stderr: '' });
      return readFileSync(followed, 'utf8').includes(`hosts/${host}/jobs/${job}/log {"event":{`);
    });
    expect(lab.events(job).at(-1)).toMatchObject({ type: 'progress', source: 'peer', detail: 'half done' });

    const [listen, report] = shellCommands(read('docs/protocol.md')).filter((line) =>
      line.includes('replies'),
    );
    const answer = type(`${here(listen ?? '')} sleep 0.5; ${here(report ?? '')}; wait`);
    expect(JSON.parse(answer.stdout)).toMatchObject({ accepted: true, recorded: true, status: 'working' });
  } finally {
    await lab.end();
  }
});
