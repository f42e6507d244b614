import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { plant, plantJob } from '../support/plant.ts';

/** The list of a registry is in its project as well: a clone can bring one, and a peer can write it. */
let lab: Lab;
beforeEach(() => {
  lab = new Lab({ MAM_HUB_IDLE_SECONDS: '1' });
  mkdirSync(lab.registry, { recursive: true });
});
afterEach(() => lab.end());

const ID = 'nice-work-12345678';
const index = () => join(lab.registry, '.index.jsonl');
const rowOf = ({ jobs }: Json, id: string): Json => jobs.find(({ job_id }: Json) => job_id === id);

/** As the hub and as the shell report it. */
async function listed(id: string): Promise<Json[]> {
  const shell = JSON.parse((await lab.mam('list', '--json')).stdout);
  await lab.mam('hub', 'stop');
  const hub = await (await lab.startServer()).ask('list_jobs');
  return [rowOf(shell, id), rowOf(hub, id)];
}

test("a stranger's job that has ended is history in it", async () => {
  plant(lab, 'ours-12345678');
  await (await lab.startServer()).ask('list_jobs');
  plantJob(lab.registry, ID, {}, lab.project);
  const at = new Date().toISOString();
  const completed = { seq: 2, event_id: 'e', job_id: ID, type: 'completed', source: 'peer', detail: 'done' };
  appendFileSync(lab.paths(ID).journal, `\n${JSON.stringify({ ...completed, at, recorded_at: at })}\n`);
  for (const row of await listed(ID)) expect(row).toMatchObject({ status: 'completed', reason: 'history' });
});

test('a changed row of one of our jobs is ignored', async () => {
  plant(lab, ID);
  const server = await lab.startServer();
  await server.ask('list_jobs');
  await server.ask('publish_event', { job_id: ID, event: 'error', detail: 'No tin left.' });
  await lab.mam('hub', 'stop');
  const text = readFileSync(index(), 'utf8');
  expect(text).toContain('"failed"');
  writeFileSync(index(), text.replaceAll('"failed"', '"completed"').replaceAll('"agent_error"', '"x"'));
  for (const row of await listed(ID)) expect(row).toMatchObject({ status: 'failed', reason: 'agent_error' });
});

test('a row without a job keeps no request_key', async () => {
  mkdirSync(join(lab.registry, 'ghost-12345678'));
  const row = {
    job_id: 'ghost-12345678',
    agent: 'human',
    status: 'completed',
    phase: 'x',
    prompt_preview: 'x',
  };
  const at = new Date().toISOString();
  writeFileSync(
    index(),
    `${JSON.stringify({ ...row, created_at: at, owner: 'cli', request_key: 'nightly' })}\n`,
  );
  const args = ['submit', '--agent', 'human', '--prompt', 'x', '--request-key', 'nightly', '--no-wait'];
  const told = await lab.mam(...args);
  expect([told.code, told.stderr]).toEqual([0, '']);
});
