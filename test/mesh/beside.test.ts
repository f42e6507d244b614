import { afterEach, expect, test } from 'vitest';
import type { HostRow } from '../../src/operations/hosts.ts';
import { ask } from '../support/hosts/ask.ts';
import { fakeSsh } from '../support/hosts/fake-ssh.ts';
import { RawHome } from '../support/hosts/raw-home.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import { until } from '../support/until.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

test('nobody on the broker speaks for a host that is reached over ssh', async () => {
  two = await TwoHosts.make({ more: ['hostc'] });
  fakeSsh(two.world, 'hosta', 'hostb');
  const { a, b } = two;
  // The account of hostb on the broker is somebody else's.
  b.more = {};
  b.configure({ hosts: {} });
  a.configure({ hosts: { hostb: { ssh: 'me@hostb.lan' }, hostc: {} } });
  await two.startHub(a);
  const server = await a.startServer();
  const peer = await b.startPeer('mute');
  const { job_id: id } = await two.delegate(server, peer, { workdir: b.project });
  const lines = await two.agree(id, 'submitted');

  const row = async () =>
    (await ask(a, 'hosts', { all: false })).rows.find(({ host }) => host === 'hostb') as HostRow;
  const before = await row();
  const mallory = await RawHome.join(two.broker, 'hostb');
  const event = { ...JSON.parse(lines.at(-1) ?? '{}'), seq: lines.length + 1, event_id: 'forged' };
  await mallory.say('hosta', `feed/${id}`, { event: { ...event, type: 'completed', source: 'peer' } });
  mallory.epoch = '9999-12-31T23:59:59Z';
  const may = { delegate: false, start: false, validate: false, decide: false, see: 'own' };
  const hello = { v: 1, epoch: mallory.epoch, protocol: 1, version: '6.6.6', may, reply: true };
  await mallory.say('hosta', 'hello', { ...hello, now: new Date().toISOString() });
  // Asking is another matter: it is answered by what hosta allows hostb.
  const list = { v: 1, id: 'an-ask-of-it', command: 'list', params: {}, expires_at: '9999-12-31T23:59:59Z' };
  await mallory.say('hosta', 'ask', list);
  await until('the ask is answered', () => mallory.answers.some((one) => one.id === list.id));
  expect(mallory.answers.at(-1)?.error).toMatchObject({ code: 'refused' });
  await mallory.status(false);
  const other = await RawHome.join(two.broker, 'hostc');
  await other.status(true);
  await a.sees(2);

  expect(two.lines(a, id)).toEqual(lines);
  expect(await row()).toMatchObject({ ...before, state: 'online' });
  await b.mam('publish', '--job', id, '--event', 'completed', '--detail', 'true');
  const all = await two.agree(id, 'completed');
  expect(all.join()).not.toContain('forged');
});
