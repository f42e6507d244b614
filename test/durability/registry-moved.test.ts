import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { removeAtOnce } from '../support/remove.ts';
import { until } from '../support/until.ts';

const NEXT = 'q';
const next = (lab: Lab) => join(lab.folder, NEXT);
const registryIn = (project: string) => join(project, '.mam/jobs');
const copy = (from: string, to: string) =>
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
/** A person's report on a job, in the current folder of its project. */
const say = (lab: Lab, ...args: string[]) => lab.start(args, { cwd: next(lab), input: '' }).ended;
const pointer = (lab: Lab, id: string) => readFileSync(join(lab.home, 'live', id), 'utf8').split('\n')[0];

describe('a project with open jobs that is renamed', () => {
  test('under a hub: its jobs continue in their new place', async ({ lab }) => {
    lab.expected.push(/^q\//);
    plant(lab, 'carried');
    plant(lab, 'dropped');
    const server = await lab.startServer();
    await server.ask('list_jobs');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'carried', 'dropped');
    const pid = await lab.hubPid();
    renameSync(lab.project, next(lab));
    const told = await reporter.report('carried', 'progress', { detail: 'on the way' });
    expect(told).toMatchObject({ recorded: true });
    await until('it is followed', () => pointer(lab, 'carried') === registryIn(next(lab)));
    // Its old place does not count as a registry that is away and might have this job.
    expect(await server.refusal('job_status', { job_id: 'mistyped' })).toContain('There is no job');
    const typo = await say(lab, 'publish', '--job', 'mistyped', '--event', 'progress');
    expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job') });
    const cancelled = await say(lab, 'cancel', 'dropped');
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('dropped is cancelled') });
    const shown = await say(lab, 'status', 'carried', '--json');
    const there = { detail: 'on the way', registry_dir: registryIn(next(lab)) };
    expect(JSON.parse(shown.stdout)).toMatchObject(there);
    await reporter.report('carried', 'completed', { detail: 'done', result: 'all of it\n'.repeat(2_000) });
    expect(lab.record('carried', registryIn(next(lab)))).toMatchObject({ status: 'completed' });
    const types = ['queued', 'started', 'progress', 'completed'];
    const lived = lab.types('carried', registryIn(next(lab))).filter((type) => type !== 'changes');
    expect(lived).toEqual(types);
    expect(existsSync(lab.project)).toBe(false);
    expect(await lab.hubPid()).toBe(pid);
    expect(await server.ask('list_jobs')).toMatchObject({ total: 2 });
    await lab.killHub();
    expect(await server.ask('list_jobs')).toMatchObject({ total: 2 });
    expect(existsSync(lab.project)).toBe(false);
    mkdirSync(lab.project);
  });

  test('while no hub runs: the next one finds them, even a second time', async ({ lab }) => {
    lab.expected.push(/^(q|r)\//);
    plant(lab, 'carried');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'carried');
    await lab.killHub();
    renameSync(lab.project, next(lab));
    await reporter.report('carried', 'progress', { detail: 'in q' });
    const last = () => lab.events('carried', registryIn(next(lab))).at(-1);
    await until('it is recorded', () => last()?.detail === 'in q');
    await lab.killHub();
    renameSync(next(lab), join(lab.folder, 'r'));
    // Another project has taken its name.
    mkdirSync(registryIn(next(lab)), { recursive: true });
    await reporter.report('carried', 'completed', { detail: 'in r' });
    const there = registryIn(join(lab.folder, 'r'));
    await until('it is recorded', () => lab.record('carried', there).detail === 'in r');
    // Nothing waits for the place where it was in between.
    removeAtOnce(next(lab));
    mkdirSync(lab.project);
    const mistyped = await lab.mam('publish', '--job', 'carriex', '--event', 'progress');
    expect(mistyped).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job with this') });
  });

  test('to another disk, while no hub runs: the jobs can be acted on there', async ({ lab }) => {
    lab.expected.push(/^deep\//);
    plant(lab, 'carried');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'carried');
    await lab.killHub();
    const there = join(lab.folder, 'deep/down');
    copy(lab.project, there);
    rmSync(lab.project, { recursive: true });
    const cancelled = await lab.start(['cancel', 'carried'], { cwd: there, input: '' }).ended;
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('carried is cancelled') });
    expect(lab.types('carried', registryIn(there))).toContain('cancelled');
    mkdirSync(lab.project);
  });
});

test('a copy of a project with open jobs is called a copy, even after those have ended', async ({ lab }) => {
  lab.expected.push(/^q\//);
  plant(lab, 'copied');
  const reporter = await lab.startPeerServer();
  await lab.begin(reporter, 'copied');
  copy(lab.project, next(lab));
  const refused = await say(lab, 'cancel', 'copied');
  expect(refused).toMatchObject({ code: 69, stderr: expect.stringContaining('is a copy') });
  await reporter.report('copied', 'completed', { detail: 'done' });
  const listed = await say(lab, 'list', '--json');
  expect(listed.code).toBe(0);
  await lab.killHub();
  // The next hub searches all registries that the killed one wrote.
  const again = await say(lab, 'cancel', 'copied');
  expect(again).toMatchObject({ code: 69, stderr: expect.stringContaining('is a copy') });
  expect(lab.types('copied')).toEqual(['queued', 'started', 'completed']);
  expect(lab.types('copied', registryIn(next(lab)))).toEqual(['queued', 'started']);
});

test('a copy that replaces a registry under its hub is accepted as the registry', async ({ lab }) => {
  lab.expected.push(/^p\/\.mam\/jobs\.(bak|old)\//);
  for (const id of ['busy', 'quiet']) plant(lab, id);
  const reporter = await lab.startPeerServer();
  await lab.begin(reporter, 'busy', 'quiet');
  const pid = await lab.hubPid();
  const aside = `${lab.registry}.bak`;
  copy(lab.registry, aside);
  await reporter.report('busy', 'progress', { detail: 'after the copy' });
  renameSync(lab.registry, `${lab.registry}.old`);
  copy(aside, lab.registry);
  const result = 'all of it\n'.repeat(2_000);
  expect(await reporter.report('busy', 'completed', { result })).toMatchObject({ recorded: true });
  expect(await reporter.report('quiet', 'completed', { detail: 'me too' })).toMatchObject({ recorded: true });
  expect(lab.types('busy')).toEqual(['queued', 'started', 'progress', 'completed']);
  expect(lab.types('quiet')).toEqual(['queued', 'started', 'completed']);
  await until('its record says so', () => lab.record('busy').status === 'completed');
  // The registry that was moved aside is no longer used.
  expect(lab.types('busy', aside)).toEqual(['queued', 'started']);
  expect(lab.types('quiet', `${lab.registry}.old`)).toEqual(['queued', 'started']);
  expect(await lab.hubPid()).toBe(pid);
});

test("an older copy in place of one job's folder: nothing that was acknowledged is lost", async ({ lab }) => {
  plant(lab, 'one');
  const reporter = await lab.startPeerServer();
  await lab.begin(reporter, 'one');
  const { folder } = lab.paths('one');
  copy(folder, `${folder}-old`);
  await reporter.report('one', 'progress', { detail: 'after the copy' });
  removeAtOnce(folder);
  renameSync(`${folder}-old`, folder);
  await reporter.report('one', 'completed', { detail: 'done' });
  expect(lab.types('one')).toEqual(['queued', 'started', 'progress', 'completed']);
});
