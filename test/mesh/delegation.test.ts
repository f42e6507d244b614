import { afterEach, expect, test } from 'vitest';
import { overSsh } from '../support/hosts/fake-ssh.ts';
import type { Hosts } from '../support/hosts/hosts.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test.each([
  ['a broker', []],
  ['a broker that takes nothing at QoS 1', ['max_qos 0']],
])('a job is delegated over %s, and its end is waited for', async (_, more) => {
  const two = await TwoHosts.make({ broker: { more } });
  world = two.world;
  await two.meet();
  const peer = await two.b.startPeer('good');
  const server = await two.a.startServer();
  const { job_id } = await two.delegate(server, peer);
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 30 });
  expect(waited.jobs).toMatchObject([{ job_id, status: 'completed' }]);
  await two.agree(job_id, 'completed');
});

test('a job is delegated over ssh, with nothing set on the other host', async () => {
  world = await overSsh();
  const peer = await world.lab('hostb').startPeer('good');
  const server = await world.lab('hosta').startServer();
  const { job_id } = await server.delegate(peer, { agent_session: `${peer.address}@hostb` });
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 30 });
  expect(waited.jobs).toMatchObject([{ job_id, status: 'completed' }]);
});
