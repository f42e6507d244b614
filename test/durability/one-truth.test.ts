import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** Each test has its own jobs, and ends the shared hub. */
let lab: Lab;
let server: LabServer;
beforeAll(async () => {
  lab = new Lab();
  server = await lab.startServer();
});
afterAll(() => lab.end());

/** A job that has timed out, known to a hub and in its list. */
async function timedOut(id: string): Promise<void> {
  await endHub(lab);
  plant(lab, id);
  const at = new Date().toISOString();
  const event = { seq: 2, event_id: 'e2', job_id: id, type: 'timeout', source: 'hub', detail: 'Too late.' };
  appendFileSync(lab.paths(id).journal, signed(lab.home, id, { ...event, at, recorded_at: at }));
  await server.ask('list_jobs');
  await until('its pointer is gone', () => !existsSync(join(lab.home, 'live', id)));
  await endHub(lab);
  await server.ask('list_jobs');
}

const short = ({ status, reason, late }: Json): Json => ({ status, reason, late: late === true });
const rowOf = ({ jobs }: Json, id: string): Json => jobs.find(({ job_id }: Json) => job_id === id);

/** What readers say that do not need a hub. */
async function saidByFiles(id: string): Promise<Json[]> {
  const list = await lab.json('list');
  const status = await lab.json('status', id);
  return [rowOf(list, id), status];
}

/** What everyone says who asks the hub. */
async function saidByHub(id: string): Promise<Json[]> {
  return [rowOf(await server.ask('list_jobs'), id), await server.ask('job_status', { job_id: id })];
}

async function expectOneTruth(id: string, truth: Json): Promise<void> {
  const states = async (said: Promise<Json[]>) =>
    (await said).map(({ status, reason }) => ({ status, reason }));
  const { late, ...state } = short(truth);
  expect(await states(saidByFiles(id))).toEqual([state, state]);
  expect(await states(saidByHub(id))).toEqual([state, state]);
  await until('job.json says so', () => lab.snapshot(id).status === truth.status);
  expect(short(lab.snapshot(id))).toEqual({ ...state, late });
  expect(await states(saidByFiles(id))).toEqual([state, state]);
}

test('the hub is killed right after a late report: all say the same, and job.json is updated unasked', async () => {
  await timedOut('late');
  const answer = await server.ask('publish_event', { job_id: 'late', event: 'completed', detail: 'done' });
  expect(answer).toMatchObject({ recorded: true, status: 'completed' });
  await lab.killHub();
  expect((await saidByFiles('late')).map(({ status }) => status)).toEqual(['completed', 'completed']);
  await server.ask('list_agents');
  await until('job.json says so', () => lab.snapshot('late').status === 'completed');
  await expectOneTruth('late', { status: 'completed', late: true });
});

test('an index and a job.json from before a report mislead nobody', async () => {
  await timedOut('stale');
  const files = [join(lab.registry, '.index.jsonl'), lab.paths('stale').record];
  const kept = join(lab.project, 'kept');
  mkdirSync(kept);
  for (const [n, file] of files.entries()) copyFileSync(file, join(kept, String(n)));
  await server.ask('publish_event', { job_id: 'stale', event: 'completed', detail: 'done' });
  await endHub(lab);
  for (const [n, file] of files.entries()) copyFileSync(join(kept, String(n)), file);
  expect(lab.snapshot('stale').status).toBe('failed');
  await expectOneTruth('stale', { status: 'completed', late: true });
});

test('all show a journal alike that ends in the middle of a line, or has lost what job.json knows', async () => {
  for (const id of ['torn', 'shorter']) plant(lab, id);
  await endHub(lab);
  for (const id of ['torn', 'shorter']) {
    await server.ask('publish_event', { job_id: id, event: 'started' });
    await server.ask('publish_event', { job_id: id, event: 'completed', detail: 'done' });
    await until('job.json says so', () => lab.snapshot(id).status === 'completed');
  }
  await server.ask('list_jobs');
  await endHub(lab);
  appendFileSync(lab.paths('torn').journal, '\n{"seq":4,"event_id":"x","job_id":"torn","ty');
  const { journal } = lab.paths('shorter');
  truncateSync(journal, readFileSync(journal, 'utf8').lastIndexOf('\n{'));
  await expectOneTruth('torn', { status: 'completed' });
  await expectOneTruth('shorter', { status: 'completed' });
  const shown = await lab.mam('status', 'shorter');
  expect(shown.stderr).toContain(`Event 3 is lost from the end of ${journal}`);
  const late = await server.ask('publish_event', { job_id: 'shorter', event: 'progress' });
  expect(late, 'no number is given twice').toMatchObject({ recorded: true, seq: 4 });
});

test('a job.json that could not be written is written once it can be', async () => {
  plant(lab, 'held');
  await endHub(lab);
  await server.ask('publish_event', { job_id: 'held', event: 'started' });
  await until('job.json is written', () => lab.snapshot('held').status === 'working');
  // A folder in its place: no rename replaces it.
  const { record } = lab.paths('held');
  rmSync(record);
  mkdirSync(join(record, 'in-the-way'), { recursive: true });
  await server.ask('publish_event', { job_id: 'held', event: 'completed', detail: 'done' });
  await lab.logged('record of held is not written yet');
  expect(existsSync(join(lab.home, 'live', 'held')), 'the next hub would look after it').toBe(true);
  rmSync(record, { recursive: true });
  await until('job.json says so', () => lab.snapshot('held').status === 'completed');
  await until('its pointer is gone', () => !existsSync(join(lab.home, 'live', 'held')));
});
