import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { TwoHosts } from '../support/hosts/two-hosts.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

test('a job comes after jobs of another host, with their results; it fails with one that is given up', async () => {
  two = await TwoHosts.make();
  const { a, b } = two;
  await two.startHub(a);
  await two.meet();
  const server = await a.startServer();
  const [there, here] = [await b.startPeer('mute'), await a.startPeer('mute')];
  const far = await two.delegate(server, there, { workdir: b.project, prompt: 'far' });
  const lost = await two.delegate(server, there, { workdir: b.project, prompt: 'never done' });
  const after = await server.delegate(here, {
    ...{ prompt: `Read: {{result:${far.job_id}}}`, after: [far.job_id] },
  });
  const other = await server.delegate(here, { prompt: 'other', after: [lost.job_id] });
  expect([after, other]).toMatchObject([{ blocked_by: 'after' }, { blocked_by: 'after' }]);
  const refused = await server.refusal('delegate_job', {
    ...{ prompt: 'far again', agent: 'command', agent_session: there.address, host: 'hostb' },
    after: [far.job_id],
  });
  expect(refused).toContain('A job for another host can neither wait for other jobs nor name their results.');

  const result = 'It is done over there.\n'.repeat(4_000);
  await (await b.reporter).report(far.job_id, 'completed', { result });
  await a.event(after.job_id, 'submitted');
  const { task_file: file, waits_for } = await server.ask('job_status', { job_id: after.job_id });
  expect(readFileSync(file, 'utf8')).toContain(`\n${result}\n[end of the result of job ${far.job_id}: `);
  expect(waits_for).toEqual([{ job_id: far.job_id, status: 'completed' }]);

  await b.killHub();
  expect((await a.mam('cancel', lost.job_id, '--forget')).code).toBe(0);
  await a.event(other.job_id, 'dependency_failed');
  expect(a.record(other.job_id).detail).toContain(`Job ${lost.job_id}, which this one waits for, is`);
  await server.ask('cancel_job', { job_id: after.job_id });
  await two.startHub(b);
});
