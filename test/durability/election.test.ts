import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { thisOwner } from '../../src/registry/lock.ts';
import { hubSocketPath, shortFolder } from '../../src/settings/hub-place.ts';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';
import { listens } from '../support/ports.ts';
import { groupOf, isRunning } from '../support/processes.ts';
import { removeAtOnce } from '../support/remove.ts';
import { PATIENCE, until } from '../support/until.ts';

let lab: Lab;

describe('starters at once', () => {
  afterEach(() => lab?.end());

  test('six on an empty home get one hub, and all are served', async () => {
    lab = new Lab();
    plant(lab, 'served');
    rmSync(lab.home, { recursive: true });
    const servers = Array.from({ length: 6 }, () => lab.spawnServer());
    const began = Date.now();
    const list = (server: LabServer) => server.initialize().then(() => server.ask('list_jobs'));
    const lists = await Promise.all(servers.map(list));
    process.stdout.write(`six starters served after ${Date.now() - began} ms\n`);
    expect(lists.map(({ total }) => total)).toEqual(Array(6).fill(1));
    // Processes that lost the election may still be exiting.
    await until('one hub is left', () => lab.hubs.length === 1);
    expect(lab.hubs).toEqual([lab.hub().pid]);
    expect(lab.hubLog().match(/ started /g)).toHaveLength(1);
  });

  test.each([
    ['a dead pid', () => ({ pid: 2 ** 22 - 1 })],
    ['a pid that another process has now', () => ({ pid: process.pid, start: '1' })],
    ['another boot', () => ({ boot: 'another' })],
  ])('are not hindered by what a hub left: socket, lock and an owner with %s', async (_what, owner) => {
    lab = new Lab();
    mkdirSync(join(lab.home, 'hub.lock'), { recursive: true });
    mkdirSync(join(lab.registry, '.hub.lock'), { recursive: true });
    await staleSocket(join(lab.home, 'hub.sock'));
    const left = JSON.stringify({ ...thisOwner(lab.home), ...owner() });
    writeFileSync(join(lab.home, 'hub.owner'), left);
    writeFileSync(join(lab.registry, '.hub.owner'), left);
    writeFileSync(join(lab.home, 'hub.json'), JSON.stringify({ pid: 2 ** 22 - 1, realm: 'other' }));
    plant(lab, 'served');
    const servers = await Promise.all([lab.startServer(), lab.startServer()]);
    const lists = await Promise.all(servers.map((server) => server.ask('list_jobs')));
    expect(lists.map(({ total }) => total)).toEqual([1, 1]);
    await until('one hub is left', () => lab.hubs.length === 1);
  });

  test('an election whose holder died is over in 2 s', async () => {
    lab = new Lab();
    const startsIn = async (): Promise<number> => {
      const began = Date.now();
      await (await lab.startServer()).ask('list_jobs');
      const took = Date.now() - began;
      await endHub(lab);
      return took;
    };
    const free = await startsIn();
    mkdirSync(join(lab.home, 'hub.election'), { recursive: true });
    expect((await startsIn()) - free).toBeLessThan(2_000 * PATIENCE);
  });

  test('one that is asked to end while it waits for its election leaves nothing', async () => {
    lab = new Lab();
    const election = join(lab.home, 'hub.election');
    mkdirSync(election, { recursive: true, mode: 0o700 });
    const held = setInterval(() => utimesSync(election, new Date(), new Date()), 200);
    lab.onEnd(() => clearInterval(held));
    const { child, ended } = lab.start(['hub-process'], { cwd: '/' });
    // The last signal that it listens for; Node itself catches the others.
    await until('it hears signals', () => hears(child.pid ?? 0, 'SIGHUP'));
    child.kill('SIGTERM');
    await lab.logged('hub ends: SIGTERM');
    clearInterval(held);
    rmSync(election, { recursive: true });
    expect(await ended).toMatchObject({ code: 0 });
    expect(lab.hubLog()).not.toMatch(/ error | started /);
    // The end of the lab proves that no file of a hub is there.
  });
});

/** True once a process catches a signal. */
function hears(pid: number, signal: NodeJS.Signals): boolean {
  const caught = /SigCgt:\s+([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  return (BigInt(`0x${caught}`) & bit) !== 0n;
}

describe('the running hub', () => {
  afterEach(() => lab?.end());

  async function ownHub(): Promise<{ own: Lab; server: LabServer }> {
    const own = new Lab();
    mkdirSync(own.registry, { recursive: true });
    const server = await own.startServer();
    await server.ask('list_jobs');
    return { own, server };
  }

  // proper-lockfile touches its locks every 10 s, so these two tests wait concurrently.
  test.concurrent('keeps its locks alive, and removes them when it ends', async () => {
    const { own } = await ownHub();
    const locks = [join(own.home, 'hub.lock'), join(own.registry, '.hub.lock')];
    const touched = (): number[] => locks.map((lock) => statSync(lock).mtimeMs);
    const before = touched();
    await until('both are touched', () => touched().every((at, n) => at > (before[n] ?? 0)));
    await own.mam('hub', 'stop');
    for (const lock of locks) expect(existsSync(lock), lock).toBe(false);
    await own.end();
  });

  test.concurrent('takes a removed lock again, and continues', async () => {
    const { own, server } = await ownHub();
    const pid = await own.hubPid();
    const lock = join(own.registry, '.hub.lock');
    rmSync(lock, { recursive: true });
    await until('it is there again', () => existsSync(lock));
    await server.ask('list_jobs');
    expect(await own.hubPid()).toBe(pid);
    await own.end();
  });

  test('whose home is removed and made again at once leaves its successor alone', async () => {
    lab = new Lab();
    const first = await lab.startServer();
    await first.ask('list_jobs');
    const pid = await lab.hubPid();
    removeAtOnce(lab.home);
    // Another registry, because the first one is still briefly locked.
    const registry = join(lab.folder, 'other');
    const second = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    await second.ask('list_jobs');
    const successor = await lab.hubPid();
    expect(successor).not.toBe(pid);
    await until('the first ends', () => !isRunning(pid));
    // A hub checks its socket and its file every second.
    const { mtimeMs } = statSync(join(lab.home, 'hub.json'));
    await until('the successor has looked twice', () => Date.now() > mtimeMs + 2_500);
    expect(isRunning(successor), lab.hubLog()).toBe(true);
    expect(await lab.hubPid()).toBe(successor);
  });

  test('of another home is refused a registry that is in use, with both named', async () => {
    lab = new Lab();
    mkdirSync(lab.registry, { recursive: true });
    const other = join(lab.folder, 'home-2');
    lab.homes.push(other);
    const first = await lab.startServer();
    await first.ask('list_jobs');
    const second = await lab.startServer({ MAM_HOME: other });
    const text = await second.refusal('list_jobs');
    expect(text).toContain(`${lab.registry} is being written by another hub (process ${lab.hub().pid}`);
    expect(text).toContain(lab.home);
    expect(text).toContain('MAM_REGISTRY_DIR');
    // The end of the first one is enough; nothing has to be cleaned up.
    await lab.mam('hub', 'stop');
    await second.ask('list_jobs');
  });

  test("outlives its starter and the starter's process group while a job is open, and ends after the idle time", async () => {
    lab = new Lab({ MAM_HUB_IDLE_SECONDS: '1' });
    plant(lab, 'open');
    const server = await lab.startServer();
    await server.ask('job_status', { job_id: 'open' });
    const pid = await lab.hubPid();
    await server.close();
    expect(groupOf(pid)).toBe(pid);
    const began = Date.now();
    await until('three idle times have passed', () => Date.now() > began + 3_000);
    expect(isRunning(pid)).toBe(true);
    expect((await lab.mam('publish', '--job', 'open', '--event', 'completed')).code).toBe(0);
    await until('it ends', () => !isRunning(pid));
    expect(lab.hubLog()).toContain('nobody needs it');
    expect(existsSync(join(lab.home, 'live', 'open'))).toBe(false);
  });
});

describe('the running hub, when its place is disturbed,', () => {
  let server: LabServer;
  beforeAll(async () => {
    lab = new Lab();
    plant(lab, 'served');
    server = await lab.startServer();
  });
  afterAll(() => lab.end());

  test.each([
    ['its socket is removed', () => unlinkSync(join(lab.home, 'hub.sock'))],
    ['a dead socket replaces it', putDeadSocket],
  ])('listens anew when %s, and the next call is served', async (_what, disturb) => {
    await server.ask('job_status', { job_id: 'served' });
    const pid = await lab.hubPid();
    await disturb();
    expect((await lab.mam('publish', '--job', 'served', '--event', 'progress')).code).toBe(0);
    // A process that was started to become a hub finds this one.
    await until('one hub is left', () => lab.hubs.join() === String(pid));
  });

  test('ends by itself when its home is removed, and the next call is served', async () => {
    const pid = await lab.hubPid();
    removeAtOnce(lab.home);
    await until('it ends', () => !isRunning(pid));
    expect(await server.ask('job_status', { job_id: 'served' })).toMatchObject({ status: 'working' });
    expect(await lab.hubPid()).not.toBe(pid);
    await until('one hub is left', () => lab.hubs.length === 1);
  });
});

describe('mam hub', () => {
  afterEach(() => lab?.end());

  test('status, stop and logs, with and without a hub', async () => {
    lab = new Lab();
    const stdout = expect.stringContaining('No hub is running');
    expect(await lab.mam('hub')).toMatchObject({ code: 0, stdout });
    expect(await lab.json('hub', 'status')).toEqual({ running: false });
    expect(await lab.json('hub', 'stop')).toEqual({ stopped: false });
    expect((await lab.mam('hub', 'logs')).stdout).toContain('no log yet');
    // Only looking starts nothing.
    expect(existsSync(lab.home)).toBe(false);

    plant(lab, 'open');
    await (await lab.startServer()).ask('list_jobs');
    const pid = await lab.hubPid();
    const status = await lab.json('hub', 'status');
    expect(status).toMatchObject({ running: true, pid, broker: 'embedded', realm: 'default', open_jobs: 1 });
    expect(status.registries).toEqual([lab.registry]);
    const text = (await lab.mam('hub')).stdout;
    for (const word of [String(pid), 'embedded', lab.registry]) expect(text).toContain(word);
    expect((await lab.mam('hub', 'logs')).stdout).toContain('started');
    expect((await lab.json('hub', 'logs')).log).toContain('started');
    expect(await lab.json('hub', 'stop')).toEqual({ stopped: true });
    expect(isRunning(pid)).toBe(false);
    expect(await lab.mam('hub', 'dance')).toMatchObject({ code: 64, stdout: '' });
  });

  test('stop and restart wait for the hub that runs, also while hub.json is that of one that was killed', async () => {
    lab = new Lab();
    lab.expected.push(/^began$/, /^h\/on-event\//);
    const began = join(lab.folder, 'began');
    // A hub takes its time to end while its command runs.
    lab.configure({ on_event: `touch '${began}'; sleep 1` });
    for (const action of ['restart', 'stop']) {
      const { job_id: id } = await lab.json('submit', 'Mend it', '--agent', 'human', '--no-wait');
      await lab.mam('done', id);
      await until('its command runs', () => existsSync(began));
      rmSync(began);
      const hub = lab.hub();
      const { pid: killed } = spawnSync('true');
      writeFileSync(join(lab.home, 'hub.json'), JSON.stringify({ ...hub, pid: killed }));
      const answer = await lab.json('hub', action);
      expect(isRunning(hub.pid), action).toBe(false);
      expect(answer.stopped).toBe(true);
      if (action === 'restart') expect(answer.pid).toBe(await lab.hubPid());
    }
    // Unless the hub has noticed, written its own again, and removed it.
    rmSync(join(lab.home, 'hub.json'), { force: true });
  });

  test('works in a home that is too deep for a socket', async () => {
    lab = new Lab();
    const home = join(lab.folder, 'deep'.repeat(10), 'deeper'.repeat(10));
    lab.homes.push(home);
    const socket = hubSocketPath(home);
    expect(Buffer.byteLength(socket)).toBeLessThan(100);
    lab.onEnd(() => rmSync(shortFolder(home), { recursive: true, force: true }));
    const server = await lab.startServer({ MAM_HOME: home });
    await server.ask('list_jobs');
    const { pid, socket: told } = lab.hub(home);
    expect(told).toBe(socket);
    expect(statSync(shortFolder(home)).mode & 0o777).toBe(0o700);
    // As a cleaner of temporary files does, or a log-out.
    rmSync(shortFolder(home), { recursive: true });
    await until('it listens anew', () => existsSync(socket));
    await lab.start(['hub', 'stop'], { env: { MAM_HOME: home } }).ended;
    expect(isRunning(pid)).toBe(false);
    expect(await listens({ path: socket })).toBe(false);
  });

  test('says what is wrong with a home that cannot be made', async () => {
    lab = new Lab();
    lab.expected.push(/^file$/);
    const file = join(lab.folder, 'file');
    writeFileSync(file, '');
    const env = { MAM_HOME: join(file, 'home') };
    const ended = await lab.start(['wait'], { env }).ended;
    expect(ended.code).toBe(69);
    expect(ended.stderr).toContain('set MAM_HOME to a writable folder');
    const server = await lab.startServer(env);
    expect(await server.refusal('list_jobs')).toContain('set MAM_HOME to a writable folder');
  });
});

async function putDeadSocket(): Promise<void> {
  const own = join(lab.home, 'hub.sock');
  lab.expected.push(/^own\.sock$/);
  renameSync(own, join(lab.folder, 'own.sock'));
  await staleSocket(own);
}

/** A socket file on which nobody listens. */
async function staleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(`${path}.open`, done));
  // A server that ends removes whatever is at the path where it listened.
  renameSync(`${path}.open`, path);
  await new Promise((done) => server.close(done));
  if (!existsSync(path) || existsSync(`${path}.open`)) throw new Error('no socket was left');
}
