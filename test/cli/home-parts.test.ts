import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { lookWith } from '../support/doctor.ts';
import { type Lab, NOT_OURS } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

const isRoot = process.getuid?.() === 0;

function fileAt(lab: Lab, name: string): string {
  mkdirSync(lab.home, { recursive: true, mode: 0o700 });
  lab.expected.push(NOT_OURS, new RegExp(`^h/${name}`));
  const path = join(lab.home, name);
  writeFileSync(path, '');
  return path;
}

/** What `mam doctor` finds wrong with the parts of the home. */
async function parts(lab: Lab): Promise<string[]> {
  const found = await lookWith(lab, ['home']);
  return found.all('home.part').map(({ level, title }) => `${level}: ${title}`);
}

describe('a wrong part of the home', () => {
  test.for(['outbox', 'spool', 'servers', 'live', 'retained'])(
    '%s: the doctor and whatever needs the hub name it at once',
    async (name, { lab }) => {
      const path = fileAt(lab, name);
      expect(await parts(lab)).toEqual([`problem: ${path} is not a folder.`]);
      const { code, stderr } = await lab.mam('hub', 'restart');
      expect([code, stderr]).toEqual([69, expect.stringContaining(`${path} is not a folder.`)]);
      expect(stderr).toContain('Move it away');
      expect(stderr).not.toContain('did not start');
      rmSync(path);
      expect(await parts(lab)).toEqual([]);
    },
  );

  test('panes and clients: the doctor names it, and so does a job that waits for it', async ({ lab }) => {
    const peer = await lab.startPeer();
    const order = ['--prompt', 'Fix it', '--agent', 'command', '--agent-session', peer.address];
    const paths = ['panes', 'clients'].map((name) => fileAt(lab, name));
    expect(await parts(lab)).toEqual(paths.map((path) => `problem: ${path} is not a folder.`).reverse());
    const { code, stderr } = await lab.mam('submit', '--no-wait', ...order);
    expect(code).toBe(0);
    expect(stderr).toContain('because MAM_HOME cannot be written');
    expect(stderr).toMatch(/noted in .*\/panes \(ENOTDIR\), so nothing was typed\. Move it away/);
    for (const path of paths) rmSync(path);
    await until('it goes on', () => lab.record(lab.jobIds()[0] ?? '').status === 'completed');
    expect(await parts(lab)).toEqual([]);
  });

  test('a log folder that can not be made: the doctor says so, without a hub', async ({ lab }) => {
    const path = fileAt(lab, 'afile');
    const found = await lookWith(lab, ['settings'], { MAM_LOGS_DIR: join(path, 'logs') });
    expect(found.of('settings.logs')).toMatchObject({
      ...{ level: 'problem', title: expect.stringContaining(path) },
      remedy: expect.stringContaining('MAM_LOGS_DIR'),
    });
  });

  test('hub.starting, key, registries and hub.log: as folders', async ({ lab }) => {
    for (const name of ['hub.starting', 'registries', 'key', 'hub.log']) {
      const path = join(lab.home, name);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      expect(await parts(lab)).toEqual([`problem: ${path} is not a file.`]);
      if (name === 'hub.starting' || name === 'key')
        expect((await lab.mam('hub', 'restart')).stderr).toContain(`${path} is not a file.`);
      rmSync(path, { recursive: true });
    }
  });

  test('a server whose report waits because no hub can start says why', async ({ lab, reporter }) => {
    const path = fileAt(lab, 'spool');
    const { structuredContent } = await reporter.call('publish_event', { job_id: 'any', event: 'progress' });
    expect(structuredContent).toMatchObject({ accepted: true, recorded: false });
    expect(structuredContent.summary).toContain(`${path} is not a folder. Move it away`);
    rmSync(path);
    rmSync(join(lab.home, 'outbox'), { recursive: true });
  });

  test('a key that is damaged or no file is a finding, with the price of going without', async ({ lab }) => {
    plant(lab, 'open');
    const key = join(lab.home, 'key');
    const whole = readFileSync(key);
    for (const damage of [() => writeFileSync(key, 'x'), () => mkdirSync(key)]) {
      rmSync(key, { recursive: true });
      damage();
      const { findings, all } = await lookWith(lab, ['home', 'registry']);
      expect(all('home.part')).toMatchObject([
        { level: 'problem', title: expect.stringContaining(key), remedy: expect.stringContaining('history') },
      ]);
      expect(findings.map(({ remedy = '' }) => remedy).join()).not.toContain('report it');
    }
    rmSync(key, { recursive: true });
    writeFileSync(key, whole, { mode: 0o600 });
  });

  test.runIf(isRoot)('one that belongs to another user', async ({ lab }) => {
    const outbox = join(lab.home, 'outbox');
    mkdirSync(outbox, { recursive: true, mode: 0o700 });
    chownSync(outbox, 65_534, 65_534);
    const found = (await lookWith(lab, ['home'])).of('home.part');
    expect(found).toMatchObject({
      title: `${outbox} belongs to another user (uid 65534).`,
      remedy: `\`sudo chown -R 0 ${outbox}\``,
    });
    expect((await lab.mam('hub', 'restart')).stderr).toContain(found.title);
  });
});

test('a hub that cannot start says why in its log', async ({ lab }) => {
  const path = fileAt(lab, 'outbox');
  expect((await lab.mam('hub-process')).code).not.toBe(0);
  expect(readFileSync(join(lab.home, 'hub.log'), 'utf8')).toContain(
    `the hub could not start: The folder ${path} cannot be written (ENOTDIR)`,
  );
  rmSync(path);
});

test('the folder of live jobs is made again if it was removed under a running hub', async ({ lab }) => {
  const peer = await lab.startPeer('mute');
  const server = await lab.startServer();
  const live = join(lab.home, 'live');
  await server.ask('list_agents');
  rmSync(live, { recursive: true });
  const { job_id: id } = await server.delegate(peer);
  expect(existsSync(join(live, id))).toBe(true);
  await server.ask('cancel_job', { job_id: id });
});
