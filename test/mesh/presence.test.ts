import { afterEach, expect, test } from 'vitest';
import { ask } from '../support/hosts/ask.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker } from '../support/hosts/mosquitto.ts';
import { RawClient } from '../support/hosts/raw-client.ts';
import { PATIENCE, until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** Two hosts with a broker, each of which names the other. */
async function two(options: Parameters<typeof MosquittoBroker.make>[1] = {}) {
  world = await hosts(['hosta', 'hostb']);
  const broker = await MosquittoBroker.make(world, options);
  await broker.start();
  await broker.introduce(() => ({ delegate: true }));
  return broker;
}

/** Both hubs run and see each other. */
async function met(options: Parameters<typeof MosquittoBroker.make>[1] = {}) {
  const broker = await two(options);
  await Promise.all(world.names.map((name) => world.lab(name).mam('hub', 'restart')));
  await allSee(1);
  return broker;
}

async function allSee(online: number): Promise<void> {
  for (const host of world.names) await world.lab(host).sees(online, 60_000 * PATIENCE);
}

test('two hubs find each other on a broker, and stay up although nobody is connected', async () => {
  await two();
  await world.lab('hosta').mam('hub', 'restart');
  await world.lab('hostb').mam('hub', 'restart');
  await allSee(1);
  const { mesh } = await world.lab('hosta').json('hub', 'status');
  expect(mesh).toMatchObject({ host: 'hosta', hosts: 1, broker: { state: 'joined' } });
});

test('a broker that is killed and starts empty is joined again; meanwhile the hub does its own work', async () => {
  const broker = await met();
  await broker.kill();
  await until('the loss is noticed', async () => (await world.lab('hosta').mesh())?.broker?.state === 'away');
  const { broker: shown, online } = (await world.lab('hosta').mesh()) ?? {};
  expect(online).toBe(0);
  expect(shown?.problem).toMatch(/broker|connection/);
  const lab = world.lab('hosta');
  const server = await lab.startServer();
  const { job_id } = await server.delegate(await lab.startPeer('good'));
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 30 });
  expect(waited.jobs).toMatchObject([{ job_id, status: 'completed' }]);
  await broker.start();
  await allSee(1);
});

test('a link that swallows everything is noticed on both sides, and all is well once it is mended', async () => {
  await met();
  await world.cut('hostb');
  // By the keepalive of 15 s, and the broker by half as much again.
  await allSee(0);
  await world.mend('hostb');
  await allSee(1);
});

test('a hub that says what no hub says changes nothing', async () => {
  const broker = await met();
  const b = await RawClient.join(broker, 'hostb');
  const inbox = 'mam/v1/default/hosts/hosta/in/hostb';
  const bodies = [
    ...['', '{', 'null', '[]', '"x"', '{}', '{"v":1}', '{"online":true}', '\u0000', '9'.repeat(70_000)],
    JSON.stringify({ v: 1, id: 'x'.repeat(9), command: 'delegate', params: [], expires_at: 'never' }),
    JSON.stringify({ v: 1, id: '__proto__', result: { __proto__: 1 }, now: '' }),
    JSON.stringify({ v: 1, epoch: '2026-01-01T00:00:00.000Z', jobs: [['../../x', -1]] }),
    JSON.stringify({ event: { seq: 1, type: 'completed' } }),
  ];
  const tails = ['hello', 'ask', 'answer', 'feed', 'feed/x-1', 'digest', 'claim', 'claim/x-1', 'other'];
  for (const tail of [...tails, 'feed/__proto__', 'feed/a/b/c', ''])
    for (const body of bodies) await b.say(`${inbox}/${tail}`, body);
  for (const body of bodies) await b.say('mam/v1/default/hosts/hostb/status', body, { retain: true });
  await b.say('mam/v1/default/hosts/hostb/status', '', { retain: true });
  const { rows } = await ask(world.lab('hosta'), 'hosts', { all: false, check: 'hostb' });
  expect(rows).toMatchObject([{ host: 'hostb', state: 'online' }]);
  expect(world.lab('hosta').hubLog()).not.toMatch(/ error /);
});

test('a hub of another protocol is told with both versions, and is not asked', async () => {
  const broker = await two();
  await world.lab('hosta').mam('hub', 'restart');
  const b = await RawClient.join(broker, 'hostb');
  await b.hear('mam/v1/default/hosts/hostb/in/#');
  await until('hosta has joined', async () => (await world.lab('hosta').mesh())?.broker?.state === 'joined');
  const now = new Date().toISOString();
  // A later version may have other fields as well.
  const hello = { v: 2, protocol: 99, version: '9.9.9', epoch: now, now, reply: true, more: {} };
  await b.say('mam/v1/default/hosts/hosta/in/hostb/hello', hello);
  const row = await until('the problem is shown', async () => {
    const { rows } = await world.lab('hosta').json('hosts');
    return rows[0].problem?.includes('9.9.9') && rows[0];
  });
  expect(row.problem).toMatch(/hostb speaks protocol 2\.99 .*update mam on this machine\.$/);
  const server = await world.lab('hosta').startServer();
  const refused = server.ask('delegate_job', { agent: 'codex', host: 'hostb', prompt: 'do it' });
  await expect(refused).rejects.toThrow(/hostb speaks protocol/);
  // What it said once does not hide why it is not heard now.
  await broker.stop();
  const away = await until('the way is told', async () => {
    const { rows } = await world.lab('hosta').json('hosts');
    return rows[0].problem?.includes('protocol') === false && rows[0];
  });
  expect(away.problem).toMatch(/cannot be reached|connection was lost/);
});

test('a host that is added to the file is known without a restart', async () => {
  await two();
  const lab = world.lab('hosta');
  lab.configure({ hosts: {} });
  await Promise.all(world.names.map((name) => world.lab(name).mam('hub', 'restart')));
  expect(await world.lab('hosta').mesh()).toBe(undefined);
  lab.configure({ hosts: { hostb: {} } });
  await allSee(1);
});
