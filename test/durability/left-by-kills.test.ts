import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startOf } from '../../src/base/processes.ts';
import { test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

test('the next hub removes what killed servers and hubs left, nothing of living ones', async ({ lab }) => {
  const announced = (pid: number): string => join(lab.home, 'servers', `${pid}.json`);
  const [killed, living] = [await lab.startPeerServer(), await lab.startPeerServer()];
  const said = (pid: number) => JSON.parse(readFileSync(announced(pid), 'utf8'));
  for (const { pid } of [killed, living]) await until('it is announced', () => said(pid) !== undefined);
  const told = said(living.pid);
  expect(told.start).toBe(startOf(living.pid));
  killed.child.kill('SIGKILL');
  await killed.exited;
  // Its pid may be given to another process.
  writeFileSync(announced(process.pid), JSON.stringify({ ...told, pid: process.pid, start: 'long ago' }));
  writeFileSync(announced(killed.pid), '{"pid":');
  // Ids of another pid namespace mean nothing here.
  const elsewhere = 2 ** 22 - 1;
  writeFileSync(announced(elsewhere), JSON.stringify({ ...told, pid: elsewhere, ns: 'pid:[1]' }));
  // As left by a hub that is killed before its socket has its final name.
  const socket = join(lab.home, '.0a1b2c');
  const left = createServer().listen(socket);
  lab.onEnd(() => left.close());
  await until('it listens', () => existsSync(socket));
  await living.ask('publish_event', { job_id: 'nobody', event: 'started' }).catch(() => {});
  await lab.hubPid();
  await until('the hub serves', () => existsSync(join(lab.home, 'hub.sock')));
  expect(lab.inHome('servers')).toEqual([`${living.pid}.json`, `${elsewhere}.json`].sort());
  rmSync(announced(elsewhere));
  expect(existsSync(socket)).toBe(false);
});
