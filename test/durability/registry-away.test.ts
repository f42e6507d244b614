import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

describe('a registry that is away when a hub starts', () => {
  test.for([
    ['its folder is missing', false],
    ['an empty folder is in its place, as with an unmounted disk', true],
  ] as const)('%s: nothing is thrown away; the job goes on when it is back', async ([, isEmpty], { lab }) => {
    plant(lab, 'far-away', { timeouts: { timeout_seconds: 3, idle_timeout_seconds: 3_600 } });
    plant(lab, 'far-off');
    plant(lab, 'over');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'far-away', 'far-off');
    await reporter.report('over', 'completed');
    const live = () => lab.inHome('live');
    await until('the ended one is at rest', () => !live().includes('over'));
    await lab.killHub();
    const away = `${lab.registry}-away`;
    renameSync(lab.registry, away);
    if (isEmpty) mkdirSync(lab.registry);
    const kept = await lab.mam('publish', '--job', 'far-off', '--event', 'completed', '--detail', 'done');
    expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('it is missing') });
    expect(lab.inHome('outbox')).not.toEqual([]);
    expect(live()).toEqual(['far-away', 'far-off']);
    const status = await lab.mam('hub', 'status');
    expect(status.stdout).toContain(`away        ${lab.registry} (open there: far-away, far-off`);
    expect((await lab.mam('doctor')).stdout).toMatch(/The registry \S+ of [23] open jobs is unavailable\./);
    if (!isEmpty) expect((await lab.mam('list')).stderr).toContain('it is missing');
    expect((await lab.mam('status', 'far-away')).stderr).toContain('it is missing');
    // It may have this one, too.
    expect((await lab.mam('status', 'over')).stderr).toContain('no other registry has job over');
    const unsure = await lab.mam('publish', '--job', 'over', '--event', 'progress', '--detail', 'late');
    expect(unsure).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no other registry has job over'),
    });

    if (isEmpty) rmSync(lab.registry, { recursive: true });
    renameSync(away, lab.registry);
    await lab.event('far-off', 'completed');
    expect(lab.record('far-off')).toMatchObject({ status: 'completed', detail: 'done' });
    await lab.event('far-away', 'timeout');
    await until('the late report is recorded', () => lab.events('over').at(-1)?.detail === 'late');
    await until('nothing is live', () => lab.inHome('live').length === 0);
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  });

  test('delays only reports on its own jobs, even those of one publisher', async ({ lab }) => {
    const other = join(lab.folder, 'p', 'other');
    plant(lab, 'far-away');
    plant(lab, 'near-by', {}, other);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'far-away');
    await lab.killHub();
    renameSync(lab.registry, `${lab.registry}-away`);
    const first = await reporter.report('far-away', 'progress', { detail: 'one' });
    expect(first).toMatchObject({ accepted: true, recorded: false });
    await reporter.report('near-by', 'completed', { detail: 'done' });
    await until('it is recorded', () => lab.record('near-by', other).status === 'completed');
    await reporter.report('far-away', 'completed', { detail: 'two' });
    renameSync(`${lab.registry}-away`, lab.registry);
    await lab.event('far-away', 'completed');
    expect(lab.events('far-away').map(({ detail }) => detail)).toEqual([undefined, undefined, 'one', 'two']);
  });
});

test('a registry away under a hub, or before it: no list is empty, nothing is recreated', async ({ lab }) => {
  const server = await lab.startServer();
  const order = { prompt: 'Mend the roof', agent: 'human', request_key: 'once' };
  const { job_id } = await server.ask('delegate_job', order);
  const away = `${lab.registry}-away`;
  renameSync(lab.registry, away);
  const refused = async (again: object) => {
    for (const tool of ['list_jobs', 'wait_job'])
      expect(await server.refusal(tool)).toContain('it is missing');
    expect(await server.refusal('delegate_job', again)).toContain('it is missing');
    // Its jobs are known: a mistyped id is not one of them.
    expect(await server.refusal('job_status', { job_id: 'another' })).toContain('There is no job');
  };
  await refused({ ...order, request_key: 'another' });
  await lab.killHub();
  await refused(order);
  expect(existsSync(lab.registry)).toBe(false);
  renameSync(away, lab.registry);
  expect(await server.ask('delegate_job', order)).toMatchObject({ job_id, repeated: true });
  await server.ask('cancel_job', { job_id });
});

test('an ended job of a registry that is away: reports are kept, and recorded once back', async ({ lab }) => {
  const link = join(lab.folder, 'p', 'link');
  symlinkSync(lab.registry, link);
  const server = await lab.startServer();
  const { job_id: id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
  await server.ask('cancel_job', { job_id: id });
  await until('it is at rest', () => lab.inHome('live').length === 0);
  await lab.killHub();
  const project = `${lab.project}-away`;
  const away = `The registry ${lab.registry} of job ${id} is unavailable: it is missing`;
  for (const isAway of [true, false]) {
    if (isAway) renameSync(lab.registry, project);
    else mkdirSync(lab.registry);
    // A report waits no longer than a second for the start of a hub.
    expect(await server.refusal('job_status', { job_id: id })).toContain(away);
    const said = await lab.mam('publish', '--job', id, '--event', 'progress', '--detail', `${isAway}`);
    // After another kept report as well.
    expect(said).toMatchObject({ code: 0, stderr: expect.stringContaining(away) });
    expect((await lab.mam('status', id)).stderr).toContain(away);
    const listed = `The registry ${lab.registry} is unavailable`;
    for (const words of [[], ['--registry-dir', link]])
      expect((await lab.mam('list', ...words)).stderr).toContain(listed);
    expect(await server.refusal('list_jobs')).toContain(listed);
    // A job that was never made is still reported as unknown.
    const typo = await lab.mam('publish', '--job', 'never-made', '--event', 'progress');
    expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job') });
  }
  expect(readdirSync(lab.registry).filter((name) => !name.startsWith('.hub'))).toEqual([]);
  await lab.killHub();
  rmSync(lab.registry, { recursive: true });
  await server.refusal('job_status', { job_id: id });
  renameSync(project, lab.registry);
  await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  expect(lab.events(id).filter(({ late }) => late)).toHaveLength(2);
  rmSync(link);
});

test('a journal that is gone: its job waits for it, and says so', async ({ lab }) => {
  plant(lab, 'cut', { timeouts: { timeout_seconds: 4, idle_timeout_seconds: 3_600 } });
  plant(lab, 'over');
  const reporter = await lab.startPeerServer();
  await lab.begin(reporter, 'cut');
  await reporter.report('over', 'completed');
  await until('one is written', () => existsSync(lab.paths('cut').record));
  await until('both are', () => lab.snapshot('over').status === 'completed');
  await lab.killHub();
  const move = (back: boolean) => {
    for (const id of ['cut', 'over']) {
      const { journal } = lab.paths(id);
      if (back) renameSync(`${journal}.old`, journal);
      else renameSync(journal, `${journal}.old`);
    }
  };
  move(false);
  for (const id of ['cut', 'over']) {
    const gone = `The journal of job ${id} is gone: ${lab.paths(id).journal}`;
    expect(await reporter.refusal('job_status', { job_id: id })).toContain(gone);
    const said = await reporter.call('publish_event', { job_id: id, event: 'progress', detail: 'kept' });
    expect(said.structuredContent).toMatchObject({ accepted: true, recorded: false });
    expect(JSON.stringify(said)).toContain(gone);
    expect((await lab.mam('status', id)).stderr).toContain(gone);
  }
  const listed = (await lab.mam('list')).stdout;
  expect(listed).toMatch(/over\tcompleted/);
  expect(listed).toMatch(/cut\tworking/);
  const doctor = (await lab.mam('doctor')).stdout;
  expect(doctor).toContain('The journal of job cut is gone');
  expect(doctor).not.toMatch(/never created|files are gone/);
  expect(lab.inHome('live')).toContain('cut');
  move(true);
  await lab.event('cut', 'timeout');
  await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  // Without the list of registries, and from another folder.
  await lab.killHub();
  rmSync(join(lab.home, 'registries'));
  const elsewhere = ['--registry-dir', join(lab.folder, 'p', 'other')];
  // The hub can't open the registry yet: a process that is about to lock it stays for two seconds.
  mkdirSync(join(lab.registry, '.hub.election'));
  const late = ['publish', '--job', 'over', '--event', 'progress', '--detail', 'found', ...elsewhere];
  expect(await lab.mam(...late)).toMatchObject({ code: 0 });
  await until('it is found', () => lab.events('over').at(-1)?.detail === 'found');
  for (const id of ['cut', 'over']) expect(lab.events(id).map(({ detail }) => detail)).toContain('kept');
});

test("live jobs' pointers lost while the registry is away: searched for when it is back", async ({ lab }) => {
  const server = await lab.startServer();
  const order = { prompt: 'Mend the roof', agent: 'human', timeout_seconds: 4 };
  const { job_id: id } = await server.ask('delegate_job', order);
  await lab.killHub();
  rmSync(join(lab.home, 'live'), { recursive: true });
  const away = `${lab.registry}-away`;
  renameSync(lab.registry, away);
  // Also by the hub after the one that noticed it.
  for (const _ of ['first', 'second']) {
    expect(await server.refusal('job_status', { job_id: id })).toContain('is unavailable');
    await lab.mam('hub', 'restart');
  }
  renameSync(away, lab.registry);
  await lab.event(id, 'timeout');
});
