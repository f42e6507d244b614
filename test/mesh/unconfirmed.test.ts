import { afterEach, expect, test } from 'vitest';
import type { Hosts } from '../support/hosts/hosts.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** What the home says of a job. */
const OF_THE_JOB = /\/in\/hostb\/(answer|digest|feed\/.*)$/;

test('a delegation without an answer is kept as unconfirmed, a repeat says the same, and it goes on by itself', async () => {
  const two = await TwoHosts.make({ relayed: true });
  world = two.world;
  await two.meet();
  const peer = await two.b.startPeer('good');
  const server = await two.a.startServer();
  const relay = two.relay('hosta');
  relay.rule = ({ isSaid, topic }) => isSaid || !OF_THE_JOB.test(topic);
  const began = Date.now();
  const given = await two.delegate(server, peer, { request_key: 'roof' });
  expect(Date.now() - began).toBeGreaterThan(19_000);
  expect(given).toMatchObject({
    delivery_stage: 'unconfirmed',
    status: 'queued',
    repeated: false,
    host: 'hostb',
  });
  expect(given['summary']).toMatch(/hostb, which has not confirmed it/);
  expect(given['next']).toContain(`wait_job`);
  // The same ask, again and again.
  const asks = relay.on(/\/in\/hosta\/ask$/).filter(({ text }) => text.includes('"delegate"'));
  expect(asks.length).toBeGreaterThan(5);
  expect(new Set(asks.map(({ text }) => text)).size).toBe(1);

  relay.rule = () => true;
  const waited = await server.ask('wait_job', { job_id: given['job_id'], timeout_seconds: 90 });
  expect(waited.jobs).toMatchObject([{ job_id: given['job_id'], status: 'completed' }]);
  expect(await two.delegate(server, peer, { request_key: 'roof' })).toMatchObject({
    job_id: given['job_id'],
    repeated: true,
  });
  await two.agree(given['job_id'], 'completed');
  await peer.gets(1, 1);
});

test('events of a job confirm it where its answer is lost', async () => {
  const two = await TwoHosts.make({ relayed: true });
  world = two.world;
  await two.meet();
  const peer = await two.b.startPeer('mute');
  const server = await two.a.startServer();
  two.relay('hosta').rule = ({ isSaid, topic }) => isSaid || !topic.endsWith('/in/hostb/answer');
  const given = await two.delegate(server, peer);
  expect(given['delivery_stage']).not.toBe('unconfirmed');
  two.relay('hosta').rule = () => true;
});
