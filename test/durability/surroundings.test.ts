import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { removeAtOnce } from '../support/remove.ts';
import { pause, until } from '../support/until.ts';

describe('without the pointers to the live jobs', () => {
  test('a running hub writes it again', async ({ lab }) => {
    plant(lab, 'noted');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'noted');
    await lab.event('noted', 'started');
    const live = join(lab.home, 'live');
    removeAtOnce(live);
    await until('it is there', () => existsSync(live) && readdirSync(live).includes('noted'));
    expect(readFileSync(join(live, 'noted'), 'utf8').split('\n')[0]).toBe(lab.registry);
    await reporter.report('noted', 'completed');
    await until('it is gone', () => readdirSync(live).length === 0);
  });

  test.for(['the folder', 'what is in it', 'a part of it', 'what a note says'])(
    'the next hub finds the jobs, and their limits: %s',
    async (what, { lab }) => {
      plant(lab, 'limited', { timeouts: { timeout_seconds: 3, idle_timeout_seconds: 3_600 } });
      if (what === 'a part of it' || what === 'what a note says') plant(lab, 'beside');
      const reporter = await lab.startPeerServer();
      await lab.begin(reporter, 'limited');
      await lab.killHub();
      const live = join(lab.home, 'live');
      if (what === 'what a note says') writeFileSync(join(live, 'limited'), '');
      else rmSync(what === 'the folder' ? live : join(live, 'limited'), { recursive: true });
      // Nobody requests the job itself.
      await reporter.call('job_status', { job_id: 'unknown' });
      await lab.event('limited', 'timeout');
    },
  );
});

test('the folder of the socket of a deep home goes with the hub', async ({ lab }) => {
  const deep = join(lab.folder, 'deep-'.repeat(30), 'home');
  lab.homes.push(deep);
  const server = await lab.startServer({ MAM_HOME: deep });
  await server.ask('list_jobs');
  const { socket, pid } = lab.hub(deep);
  const folder = dirname(socket);
  expect(folder).not.toBe(deep);
  process.kill(pid, 'SIGTERM');
  await until('it is gone', () => !existsSync(folder));
});

test('a hub with no file descriptor left says so, stays, and continues when it has some', async ({ lab }) => {
  plant(lab, 'crowded');
  const server = await lab.startServer();
  const reporter = await lab.startPeerServer();
  const peer = await lab.startPeer('mute');
  const { job_id: id } = await server.delegate(peer);
  await lab.begin(reporter, 'crowded');
  const pid = await lab.hubPid();
  const limit = async (files: number | string) => {
    const done = await lab.run('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
    expect(done.stderr).toBe('');
  };
  // Its journal may still be open: anything that it opens from now on fails.
  await limit(3);
  const { recorded } = await reporter.report(id, 'progress', { detail: 'one' });
  await pause(6_000);
  expect(await lab.hubPid()).toBe(pid);
  expect(lab.record(id).status).toBe('working');
  const kept = await reporter.report('crowded', 'completed', { detail: 'done' });
  expect(kept.accepted).toBe(true);
  await lab.logged('EMFILE');
  await limit(1_024);
  await lab.event('crowded', 'completed');
  if (recorded === false) await lab.event(id, 'progress');
  expect(await lab.hubPid()).toBe(pid);
  await server.ask('cancel_job', { job_id: id });
});

test('a clock that was set back since a hub was started prevents no start', async ({ lab }) => {
  mkdirSync(lab.home, { recursive: true, mode: 0o700 });
  const mark = join(lab.home, 'hub.starting');
  writeFileSync(mark, '');
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(mark, later, later);
  const server = await lab.startServer();
  expect((await server.ask('list_agents')).agents).toBeDefined();
});
