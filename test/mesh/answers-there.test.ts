import { afterEach, expect, test } from 'vitest';
import type { Hosts } from '../support/hosts/hosts.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { until } from '../support/until.ts';

let world: Hosts;
let two: TwoHosts;
let server: LabServer;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** @param may more of what `hosta` may do on `hostb` */
async function meet(may: object = {}): Promise<void> {
  two = await TwoHosts.make();
  world = two.world;
  const sessions = ['asker', 'mute'];
  const allowed = { delegate: true, decide: true, workdirs: [two.b.project], sessions, ...may };
  two.b.configure({ hosts: { hosta: { may: allowed } } });
  await two.meet();
  server = await two.a.startServer();
}

/** Waits until a job on the other host needs someone. */
async function needs(job_id: string): Promise<Json> {
  const { outcome, jobs } = await server.ask('wait_job', { job_id, timeout_seconds: 60 });
  expect(outcome).toBe('needs_attention');
  return jobs[0];
}

test('without the permission to decide, a dialog there stays as it is', async () => {
  await meet({ decide: false });
  const agent = await two.b.startAsker('--kind', 'codex', '--ask', 'touch roof');
  const { job_id } = await two.delegate(server, agent, { agent: 'codex' });
  expect(await needs(job_id)).toMatchObject({ reason: 'permission' });
  expect(await server.refusal('answer_job', { job_id, decision: 'allow' })).toMatch(/^on hostb: .*decide/s);
  expect(agent.settled).toEqual([]);
  expect(await two.b.screen(agent)).toContain('touch roof');
});

test.each([
  ['its screen', ['--silent']],
  ['its hooks', []],
])('a dialog on the other host that %s tells of is allowed and denied from here', async (_, flags) => {
  await meet();
  const asks = ['--ask', 'touch roof', '--ask', 'touch cellar'];
  const agent = await two.b.startAsker('--kind', 'codex', ...flags, ...asks);
  const { job_id } = await two.delegate(server, agent, { agent: 'codex' });
  for (const [command, decision] of [
    ['touch roof', 'allow'],
    ['touch cellar', 'deny'],
  ] as const) {
    expect(await needs(job_id)).toMatchObject({
      ...{ status: 'input_required', reason: 'permission', host: 'hostb' },
      open_request: expect.stringContaining(command),
    });
    await until('its dialog is up', async () => (await two.b.screen(agent)).includes(command));
    const { screen } = await server.ask('job_logs', { job_id, include: ['screen'] });
    expect(screen).toContain(command);
    await server.ask('answer_job', { job_id, decision });
  }
  await until('both are settled', () => agent.settled.length === 2);
  expect(agent.settled).toEqual([
    ['touch roof', true],
    ['touch cellar', false],
  ]);
});
