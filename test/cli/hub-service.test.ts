import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test as plain } from 'vitest';
import { launchdAgent, systemdUnit } from '../../src/service/unit.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const SERVICE = {
  name: 'mam-hub',
  command: ['/opt/node 20/bin/node', '/opt/$x/50%/main.js', 'hub', 'run'],
  env: { PATH: '/usr/bin:/home/me/"tools"' },
};

/** A systemctl that only notes how it was called. */
function fakeSystemctl(lab: Lab, exit = 0) {
  const bin = join(lab.folder, 'bin');
  const log = join(bin, 'log');
  lab.expected.push(/^bin\//, /^\.config\//);
  mkdirSync(bin);
  writeFileSync(log, '');
  const script = `#!/bin/sh\necho "$*" >> '${log}'\necho 'no bus' >&2\nexit ${exit}\n`;
  writeFileSync(join(bin, 'systemctl'), script);
  chmodSync(join(bin, 'systemctl'), 0o755);
  return {
    env: { PATH: `${bin}:${lab.env['PATH']}` },
    calls: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
  };
}

plain('a unit of systemd quotes what systemd would change', () => {
  const { path, text } = systemdUnit(SERVICE, '/home/me/.config');
  expect(path).toBe('/home/me/.config/systemd/user/mam-hub.service');
  expect(text).toContain('ExecStart="/opt/node 20/bin/node" "/opt/$$x/50%%/main.js" "hub" "run"\n');
  expect(text).toContain('Environment="PATH=/usr/bin:/home/me/\\"tools\\""\n');
  expect(text).toMatch(/^Restart=always$/m);
  expect(text).toMatch(/^KillMode=process$/m);
});

plain('an agent of launchd is a property list that keeps the hub alive', () => {
  const { path, text, start } = launchdAgent({ ...SERVICE, env: { PATH: '/a&b' } }, '/Users/me', 501);
  expect(path).toBe('/Users/me/Library/LaunchAgents/dev.multi-agent-mux.mam-hub.plist');
  expect(text).toContain('<string>/opt/$x/50%/main.js</string>');
  expect(text).toContain('<key>PATH</key><string>/a&amp;b</string>');
  expect(text).toContain('<key>KeepAlive</key><true/>');
  expect(start[0]).toEqual(['launchctl', 'bootstrap', 'gui/501', path]);
});

test('mam hub install shows, writes, starts and removes the unit', async ({ lab }) => {
  const { env, calls } = fakeSystemctl(lab);
  const mam = (...args: string[]) => lab.start(['hub', 'install', ...args], { env, input: '' }).ended;
  const shown = await mam('--dry-run');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  const [path = ''] = shown.stdout.split('\n');
  expect(path).toMatch(/\/\.config\/systemd\/user\/mam-hub-[0-9a-f]{6}\.service$/);
  expect(shown.stdout).toContain(`"${PROGRAM}" "hub" "run"`);
  expect(shown.stdout).toContain(`MAM_HOME=${lab.home}`);
  expect(existsSync(path)).toBe(false);
  expect(calls()).toEqual([]);

  const installed = await mam();
  expect(installed).toMatchObject({ code: 0 });
  // The lab sets it for its hubs.
  expect(installed.stderr).toContain('MAM_HUB_IDLE_SECONDS (hub_idle_seconds)');
  const text = readFileSync(path, 'utf8');
  expect(shown.stdout).toContain(text.trim());
  const name = path.split('/').at(-1);
  expect(calls()).toEqual(['--user daemon-reload', `--user enable ${name}`, `--user restart ${name}`]);

  expect(await mam('--remove')).toMatchObject({ code: 0 });
  expect(existsSync(path)).toBe(false);
  expect(calls().at(-1)).toBe(`--user disable --now ${name}`);
  expect((await mam('--remove')).stdout).toContain('There is no');
});

test('mam hub install says what the system says if it refuses', async ({ lab }) => {
  const { env } = fakeSystemctl(lab, 1);
  const { code, stderr } = await lab.start(['hub', 'install'], { env, input: '' }).ended;
  expect(code).toBe(69);
  expect(stderr).toContain('`systemctl --user daemon-reload` failed: no bus.');
  expect(stderr).toMatch(/\/mam-hub[-\w]*\.service is there until you remove it\./);
});

test('mam hub run takes the place of a hub, stays, and ends with its hub', async ({ lab }) => {
  await lab.mam('hub', 'restart');
  const first = await lab.hubPid();
  const run = lab.start(['hub', 'run'], { input: '' });
  const second = await until('another hub runs', async () => {
    const pid = await lab.hubPid();
    return pid !== first && pid;
  });
  expect(isRunning(first)).toBe(false);
  // One that was started later, on demand, ends because nobody needs it.
  const other = join(lab.folder, 'other');
  lab.homes.push(other);
  await lab.start(['hub', 'restart'], { env: { MAM_HOME: other }, input: '' }).ended;
  await lab.logged('nobody needs it', other);
  expect(isRunning(second)).toBe(true);
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(isRunning(second)).toBe(false);
});
