import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

describe('a part of MAM_HOME that is removed while a hub runs', () => {
  test('is restored, and nothing is lost', async ({ lab }) => {
    for (const id of ['one', 'two']) plant(lab, id);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'one', 'two');
    const key = join(lab.home, 'key');
    const before = readFileSync(key, 'utf8');
    const parts = ['outbox', 'spool', 'servers', 'live', 'retained', 'panes', 'clients', 'key'];
    for (const part of parts) rmSync(join(lab.home, part), { recursive: true, force: true });
    const result = 'all of it\n'.repeat(20_000);
    expect(await reporter.report('one', 'completed', { result })).toMatchObject({ recorded: true });
    await until('its end is noted', () => existsSync(join(lab.home, 'retained/one')));
    await until('the key is there', () => existsSync(key));
    expect(readFileSync(key, 'utf8')).toBe(before);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    truncateSync(key, 0);
    await until('the key is whole', () => readFileSync(key, 'utf8') === before);
    await until('two is pointed to', () => existsSync(join(lab.home, 'live/two')));
    await lab.killHub();
    await reporter.report('two', 'completed', { detail: 'done' });
    await until('it is recorded', () => lab.record('two').status === 'completed');
    for (const part of ['outbox', 'spool', 'servers'])
      expect(readdirSync(join(lab.home, part))).toBeDefined();
  });

  test("the outbox with a server's reports: they are sent again with the next report", async ({ lab }) => {
    for (const id of ['kept', 'other']) plant(lab, id);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'kept');
    const pid = await lab.hubPid();
    process.kill(pid, 'SIGSTOP');
    const told = await reporter.report('kept', 'completed', { detail: 'precious' });
    expect(told).toMatchObject({ accepted: true, recorded: false });
    process.kill(pid, 'SIGKILL');
    rmSync(join(lab.home, 'outbox'), { recursive: true });
    lab.killedHubs.add(pid);
    await reporter.report('other', 'completed');
    await until('it is recorded', () => lab.record('kept').detail === 'precious');
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  });
});

describe('what a power cut, a full disk or a person leaves of MAM_HOME for the next hub', () => {
  test('pointers that are empty or cut off: their jobs are found', async ({ lab }) => {
    const ids = ['empty', 'torn', 'half'];
    for (const id of ids) plant(lab, id);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, ...ids);
    await lab.killHub();
    const path = (id: string) => join(lab.home, 'live', id);
    const text = readFileSync(path('half'), 'utf8');
    writeFileSync(path('empty'), '');
    writeFileSync(path('torn'), lab.registry.slice(0, -3));
    writeFileSync(path('half'), text.slice(0, lab.registry.length + 20));
    writeFileSync(path('lost'), '');
    const status = await lab.mam('hub', 'restart').then(() => lab.mam('hub', 'status'));
    expect(status.stdout).toContain('open jobs   3');
    expect(status.stdout).toContain('(not known) (open there: lost)');
    const pointers = ids.map((id) => readFileSync(path(id), 'utf8').split('\n')[0]);
    expect(pointers).toEqual(ids.map(() => lab.registry));
    expect((await lab.mam('doctor')).stdout).toContain('The registry of job lost is unknown');
    const gone = await lab.mam('cancel', 'lost');
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining('lost is no longer tracked') });
    expect(existsSync(path('lost'))).toBe(false);
    for (const id of ids) await reporter.report(id, 'completed');
  });

  test('no key: reported, nothing is obeyed, and the old key brings the job back', async ({ lab }) => {
    for (const id of ['proven', 'given-up']) plant(lab, id);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'proven', 'given-up');
    await lab.killHub();
    const key = join(lab.home, 'key');
    const old = readFileSync(key, 'utf8');
    rmSync(key);
    await lab.mam('hub', 'restart');
    expect((await lab.mam('hub', 'status')).stdout).toMatch(/unproven {4}(proven|given-up) /);
    expect((await lab.mam('doctor')).stdout).toContain('The key that proves live job');
    expect(lab.hubLog()).toContain('is missing: a new key is made');
    const meanwhile = await reporter.report('proven', 'progress', { detail: 'meanwhile' });
    expect(meanwhile).toMatchObject({ accepted: true, recorded: false });
    const given = await lab.mam('cancel', 'given-up');
    expect(given).toMatchObject({ code: 0, stdout: expect.stringContaining('given-up is no longer') });
    writeFileSync(key, old);
    await lab.mam('hub', 'restart');
    await reporter.report('proven', 'completed', { detail: 'done' });
    await until('it is recorded', () => lab.record('proven').status === 'completed');
    expect(lab.events('proven').map(({ detail }) => detail)).toContain('meanwhile');
  });

  test('a registry gone for good: its job can be ended, and nothing waits for it', async ({ lab }) => {
    plant(lab, 'gone');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'gone');
    // This notes which jobs are there.
    await (await lab.startServer()).ask('list_jobs');
    await lab.killHub();
    rmSync(join(lab.project, '.mam'), { recursive: true });
    expect((await lab.mam('doctor')).stdout).toContain('mam cancel gone');
    const ended = await lab.mam('cancel', 'gone');
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Its record is not in') });
    expect(lab.inHome('live')).toEqual([]);
    expect((await lab.mam('list')).stdout).toContain('No jobs');
    expect((await lab.mam('hub', 'status')).stdout).not.toContain('away');
    // The job does not wait in a new registry in its place.
    plant(lab, 'new');
    const late = await lab.mam('publish', '--job', 'gone', '--event', 'progress');
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job with this id') });
    await reporter.report('new', 'completed');
  });
});

test('a project whose name has a line break and other control characters', async ({ lab }) => {
  const project = join(lab.folder, 'p', 'two\nlines\t\u001b[1m');
  mkdirSync(project);
  const run = (...args: string[]) => lab.start(args, { cwd: project, input: '' }).ended;
  const { stdout } = await run('submit', '--agent', 'human', '--no-wait', 'Mend the roof');
  const id = /registered job: (\S+)/.exec(stdout)?.[1] ?? '';
  await lab.killHub();
  const told = await run('publish', '--job', id, '--event', 'progress', '--detail', 'half');
  expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('recorded') });
  for (const command of [['list'], ['status', id], ['hub', 'status'], ['doctor']]) {
    const shown = await run(...command);
    expect(shown.stdout + shown.stderr).not.toContain('\u001b[1m');
  }
  expect((await run('cancel', id)).code).toBe(0);
});
