import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ControlClients } from '../../src/hub/control-clients.ts';
import { identify } from '../../src/process-id.ts';

test('what a killed hub has left is ended; what counts in another pid namespace waits for a hub there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mam-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clients = new ControlClients(folder);
  const left = spawn('sleep', ['1000']);
  const ended = once(left, 'exit');
  const stranger = spawn('sleep', ['1000']);
  onTestFinished(() => void stranger.kill());
  const pid = left.pid ?? 0;
  const other = stranger.pid ?? 0;
  clients.note(pid);
  writeFileSync(join(folder, `${other}`), JSON.stringify({ ...identify(other), ns: 'pid:[1]' }));
  clients.reap();
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(readdirSync(folder)).toEqual([`${other}`]);
  expect(stranger.exitCode).toBe(null);
});
