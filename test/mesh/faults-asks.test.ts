import { afterEach, expect, test } from 'vitest';
import { RawClient } from '../support/hosts/raw-client.ts';
import { RawHome } from '../support/hosts/raw-home.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import { signal } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

/** For how long a hub stands still, in ms: longer than an ask lives. */
const STOPPED_MS = 27_000;

test('a hub that stood still refuses the ask that expired meanwhile: nothing is pasted, and whoever waits learns it', async () => {
  two = await TwoHosts.make();
  await two.meet();
  const peer = await two.b.startPeer('good');
  const server = await two.a.startServer();
  const pid = await two.b.hubPid();
  signal(pid, 'SIGSTOP');
  two.world.onEnd(() => signal(pid, 'SIGCONT'));
  const began = Date.now();
  const typing = two.a.mam(
    ...['submit', 'Mend the wall', '--agent', 'command'],
    ...['--agent-session', `${peer.address}@hostb`, '--workdir', two.b.project, '--no-wait'],
  );
  const job = await two.delegate(server, peer);
  expect(job).toMatchObject({ status: 'queued', delivery: [{ stage: 'unconfirmed' }] });
  const typed = await typing;
  expect(typed).toMatchObject({ code: 0, stderr: expect.stringContaining('hostb has not confirmed it: ') });
  await pause(Math.max(0, STOPPED_MS - (Date.now() - began)));
  signal(pid, 'SIGCONT');
  const { jobs } = await server.ask('wait_job', { job_id: job.job_id, timeout_seconds: 90 });
  expect(jobs).toMatchObject([
    { status: 'failed', reason: 'delivery_failed', detail: 'hostb never took it' },
  ]);
  expect(peer.pastes).toEqual([]);
  const { stdout } = await two.a.mam('logs', job.job_id);
  expect(stdout).toMatch(/^why +hostb never took it$/m);
  // The same again, now that it is there.
  const again = await two.delegate(server, peer);
  await server.ask('wait_job', { job_id: again.job_id, timeout_seconds: 60 });
  expect(peer.pastes).toHaveLength(1);
}, 180_000);

test('a message of another host about a job that is not its own changes nothing', async () => {
  two = await TwoHosts.make({ more: ['hostc'] });
  await two.meet();
  const peer = await two.b.startPeer('mute');
  const server = await two.a.startServer();
  const { job_id: id } = await two.delegate(server, peer);
  await two.b.event(id, 'submitted').catch(() => {});
  const other = await RawHome.join(two.broker, 'hostc');
  await other.status(true);
  await two.a.sees(2);
  const before = two.lines(two.a, id);
  const event = {
    ...JSON.parse(before.at(-1) ?? '{}'),
    seq: before.length + 1,
    event_id: 'forged',
    type: 'completed',
  };
  await other.say('hosta', `feed/${id}`, { event: { ...event, source: 'peer' }, status: 'completed' });
  await other.digest('hosta', [[id, 50]]);
  // As another host than it is: the broker drops it.
  const mallory = await RawClient.join(two.broker, 'hostc');
  await mallory.say(`mam/v1/default/hosts/hosta/in/hostb/feed/${id}`, { event, status: 'completed' });
  // What comes afterwards from its home.
  await two.b.begin(await two.b.reporter, id);
  await two.agree(id, 'started');
  expect(two.lines(two.a, id).join()).not.toContain('forged');
  expect(await two.a.logged('hostc has sent something about')).toBe(true);
}, 90_000);

test('a home with another clock is asked in its own time', async () => {
  two = await TwoHosts.make({ more: ['hostc'] });
  await two.startHub(two.a);
  const home = await RawHome.join(two.broker, 'hostc');
  home.offsetMs = -7 * 60_000;
  home.epoch = new Date(home.now).toISOString();
  home.answer = () => ({ error: { code: 'refused', message: 'Not today.', hint: '' } });
  await home.status(true);
  await two.a.sees(1);
  const server = await two.a.startServer();
  const peer = { address: 'tmux:codex' } as never;
  await expect(server.delegate(peer, { agent_session: 'tmux:codex@hostc' })).rejects.toThrow(
    'on hostc: Not today.',
  );
  const ask = home.asks.find(({ command }) => command === 'delegate');
  const left = Date.parse(ask?.expires_at ?? '') - home.now;
  expect(left).toBeGreaterThan(10_000);
  expect(left).toBeLessThan(22_000);
  expect(two.a.jobIds()).toEqual([]);
}, 60_000);

test('a host that never returns: one wake, reads from the copy, refused writes, and an end by hand that a late truth amends', async () => {
  two = await TwoHosts.make({ env: { MAM_HOST_GRACE_SECONDS: '1' } });
  await two.meet();
  const peer = await two.b.startPeer('mute');
  const server = await two.a.startServer();
  const { job_id: id } = await two.delegate(server, peer);
  await two.b.begin(await two.b.reporter, id);
  await two.agree(id, 'started');
  await two.broker.stop();
  const first = await server.ask('wait_job', { job_id: id, timeout_seconds: 90 });
  expect(first.outcome).toBe('needs_attention');
  expect(first.jobs).toMatchObject([{ reason: 'host_offline', status: 'working' }]);
  const second = await server.ask('wait_job', { job_id: id, cursor: first.cursor, timeout_seconds: 1 });
  expect(second.outcome).toBe('still_running');
  expect((await two.a.json('logs', id)).events.length).toBe(two.lines(two.a, id).length);
  const refused = await two.a.mam('cancel', id);
  expect(refused).toMatchObject({ code: 69 });
  expect(refused.stderr).toContain('nothing was changed');
  expect(await two.a.mam('cancel', id, '--forget')).toMatchObject({ code: 0 });
  const list = (await two.a.json('list', '--all')) as { jobs: { job_id: string }[] };
  expect(list.jobs).toMatchObject([{ job_id: id }]);
  await two.b.reporter.then((reporter) => reporter.report(id, 'completed', { detail: 'done' }));
  await two.broker.start();
  await two.agree(id, 'completed', 60_000);
  await until('its end counts', async () => (await two.a.mam('status', id)).stdout.includes('completed'));
}, 180_000);
