import { appendFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { plant, signed } from '../support/plant.ts';

let lab: Lab;
let server: LabServer;
beforeAll(async () => {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
  plant(lab, 'talks');
  plant(lab, 'late');
  const at = new Date().toISOString();
  const about = { event_id: 'e2', job_id: 'late', at, recorded_at: at };
  const timeout = { ...about, seq: 2, type: 'timeout', source: 'hub', detail: 'Too late.' };
  appendFileSync(lab.paths('late').journal, signed(lab.home, 'late', timeout));
  server = await lab.startServer();
});
afterAll(() => lab.end());

const rowOf = ({ jobs }: Json, id: string): Json => jobs.find(({ job_id }: Json) => job_id === id);

test('the list has the text of an answered report immediately, and its file does not grow', async () => {
  await server.ask('publish_event', { job_id: 'talks', event: 'started' });
  await server.ask('list_jobs');
  for (let n = 1; n <= 40; n++) {
    const detail = `brick ${n}`;
    await server.ask('publish_event', { job_id: 'talks', event: 'progress', detail });
    expect(rowOf(await server.ask('list_jobs'), 'talks')).toMatchObject({ status: 'working', detail });
  }
  await endHub(lab);
  expect(readFileSync(join(lab.registry, '.index.jsonl'), 'utf8')).not.toContain('brick');
  expect(rowOf(await lab.json('list'), 'talks')).toMatchObject({ detail: 'brick 40' });
});

test('a late reason of an ended job is in the list, even after its hub is gone', async () => {
  const timedOut = { reason: 'timeout', detail: 'Too late.' };
  expect(rowOf(await server.ask('list_jobs'), 'late')).toMatchObject(timedOut);
  await server.ask('publish_event', { job_id: 'late', event: 'error', detail: 'No tin left.' });
  const amended = { status: 'failed', reason: 'agent_error', detail: 'No tin left.' };
  expect(rowOf(await server.ask('list_jobs'), 'late')).toMatchObject(amended);
  await endHub(lab);
  expect(rowOf(await lab.json('list'), 'late')).toMatchObject(amended);
});

test('a removed registry is recreated once, by whoever comes first; others stay', async () => {
  await lab.startPeer('mute', { session: 'roof' });
  const other = join(lab.folder, 'other');
  const beside = await lab.startServer({ MAM_REGISTRY_DIR: other });
  const order = { prompt: 'Lay it', agent: 'command', agent_session: 'tmux:roof' };
  const open = await server.ask('delegate_job', order);
  const { job_id } = await beside.ask('delegate_job', order);
  await beside.ask('list_jobs');
  // Moved away in one step: the hub may be writing into it.
  renameSync(lab.registry, join(lab.folder, 'removed'));
  rmSync(join(lab.folder, 'removed'), { recursive: true });
  const made = await Promise.all(
    [1, 2, 3].map((n) => server.ask('delegate_job', { ...order, prompt: `${n}` })),
  );
  // Open jobs continue, and are written again.
  const all = [open, ...made].map((one) => one.job_id);
  expect(ids(await server.ask('list_jobs'))).toEqual(expect.arrayContaining(all));
  expect(lab.record(open.job_id).status).toBe('working');
  // News about the other one is still in its list.
  await beside.ask('cancel_job', { job_id });
  expect(ids(await beside.ask('list_jobs', { status: 'cancelled' }))).toEqual([job_id]);
  const status = await lab.mam('hub', 'status', '--json');
  expect(JSON.parse(status.stdout).registries.sort()).toEqual([lab.registry, other].sort());
});

function ids({ jobs }: Json): string[] {
  return jobs.map(({ job_id }: Json) => job_id).sort();
}
