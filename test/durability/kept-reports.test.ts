import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepInOutbox } from '../../src/bus/spool/outbox.ts';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let server: LabServer;
beforeAll(async () => {
  lab = new Lab();
  plant(lab, 'real');
  server = await lab.startServer();
  await server.ask('list_jobs');
});
afterAll(() => lab.end());

const report = (job_id: string, event: string) => server.call('publish_event', { job_id, event });

async function stopHub(): Promise<void> {
  process.kill(await lab.hubPid(), 'SIGSTOP');
}

test("only a hub's answer makes a report recorded: a later refusal is reported with the next report", async () => {
  await stopHub();
  for (const id of ['real', 'nobodys-job']) {
    const { structuredContent } = await report(id, 'progress');
    expect(structuredContent, id).toMatchObject({ accepted: true, recorded: false });
  }
  await lab.killHub();
  await server.ask('list_jobs');
  await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  expect(lab.events('real').filter(({ type }) => type === 'progress')).toHaveLength(1);
  expect(lab.hubLog()).toContain('an event of nobodys-job that was kept is refused: There is no job');
  const { structuredContent: next } = await report('real', 'started');
  expect(next).toMatchObject({ recorded: true, status: 'working' });
  expect(next.messages.join()).toContain(
    'Your earlier report progress for job nobodys-job was refused: There is no job with this id.',
  );
  expect((await report('real', 'progress')).structuredContent.messages).toEqual([]);
});

test('a wait that no hub answers says so, and not that there is no job', async () => {
  await stopHub();
  const shell = lab.mam('wait', 'real', '--timeout', '0', '--json');
  const plain = lab.mam('wait', 'real', '--timeout', '0');
  const all = lab.mam('wait', '--timeout', '0');
  const answer = await server.ask('wait_job', { job_ids: ['real'], timeout_seconds: 0 });
  const summary = 'Unknown, as the hub has not answered: real.';
  expect(answer).toMatchObject({ outcome: 'still_running', summary, jobs: [] });
  expect(answer.next).toContain('Call wait_job with {"job_ids":["real"]');
  expect(JSON.parse((await shell).stdout)).toMatchObject({ summary, next: 'mam doctor' });
  expect(await plain).toMatchObject({ code: 3, stdout: expect.stringContaining('real  unknown') });
  expect(await all).toMatchObject({ code: 69, stderr: expect.stringContaining('`mam doctor` says') });
  process.kill(await lab.hubPid(), 'SIGCONT');
});

test('while its hub is killed, nothing is called recorded that is not in a journal', async () => {
  await stopHub();
  await report('real', 'progress');
  const calls = Promise.all([report('real', 'progress'), report('nobodys-job', 'completed')]);
  await lab.killHub();
  const [real, nobody] = await calls;
  expect(nobody.isError === true || nobody.structuredContent.recorded === false).toBe(true);
  expect(real.structuredContent.accepted).toBe(true);
  if (real.structuredContent.recorded)
    expect(lab.events('real').map(({ seq }) => seq)).toContain(real.structuredContent.seq);
  await server.ask('list_jobs');
  await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
  expect(lab.events('real').filter(({ type }) => type === 'progress')).toHaveLength(4);
});

test('events of a job kept by several processes are recorded in that order, and nothing overtakes them', async () => {
  const jobs = ['in-turn-1', 'in-turn-2', 'in-turn-3'].map((id) => plant(lab, id));
  await lab.killHub();
  for (const [n, detail] of ['a', 'b', 'c'].entries()) {
    // As `mam publish` does: each process has its own name.
    const claim = { type: 'progress', source: 'peer', at: new Date().toISOString(), detail } as const;
    const keep = (job_id: string) =>
      keepInOutbox(join(lab.home, 'outbox'), `cli-${9 - n}`, { ...claim, job_id, event_id: job_id + detail });
    await Promise.all(jobs.map(keep));
  }
  // It starts the hub.
  await Promise.all(
    jobs.map((id) => lab.mam('publish', '--job', id, '--event', 'completed', '--detail', 'done')),
  );
  await until('all are completed', () => jobs.every((job) => lab.record(job).status === 'completed'));
  for (const job of jobs)
    expect(lab.events(job).flatMap(({ detail }) => detail ?? [])).toEqual(['a', 'b', 'c', 'done']);
});
