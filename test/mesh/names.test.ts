import { afterEach, describe, expect, test } from 'vitest';
import type { HostLab } from '../support/hosts/host-lab.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker } from '../support/hosts/mosquitto.ts';
import { RawClient, recorder } from '../support/hosts/raw-client.ts';
import { PATIENCE, pause, until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

const STATUS = 'mam/v1/default/hosts/hosta/status';

const isJoined = async (lab: HostLab) => (await lab.mesh())?.broker?.state === 'joined';

/** `hosta` and `hostb` name each other; `twin` calls itself hosta as well. */
async function three(options: Parameters<typeof MosquittoBroker.make>[1] = {}) {
  world = await hosts(['hosta', 'hostb', 'twin']);
  const broker = await MosquittoBroker.make(world, { users: ['hosta', 'hostb'], ...options });
  await broker.start();
  const [a, b, twin] = ['hosta', 'hostb', 'twin'].map((name) => world.lab(name)) as [
    HostLab,
    HostLab,
    HostLab,
  ];
  a.more = await broker.env('hosta');
  b.more = await broker.env('hostb');
  twin.more = { ...(await broker.env('twin', 'hosta')), MAM_HOST: 'hosta' };
  for (const lab of [a, twin]) lab.configure({ hosts: { hostb: {} } });
  b.configure({ hosts: { hosta: { may: { delegate: true } } } });
  return { broker, a, b, twin };
}

describe('two hubs of one name', () => {
  test('the later one stays off and says so; the earlier one is not disturbed', async () => {
    const { broker, a, b, twin } = await three();
    await a.mam('hub', 'restart');
    await b.mam('hub', 'restart');
    await b.sees(1);
    const all = await recorder(broker, 'hostb', STATUS);
    await until('its presence is retained', () => all.seen.length === 1);
    await twin.mam('hub', 'restart');
    await until('the twin stays off', async () => (await twin.mesh())?.broker?.state === 'name_taken');
    expect((await twin.mesh())?.broker?.problem).toContain('Another hub is called hosta');
    // It is said once, and what to do as well.
    const said = (await twin.mam('hub')).stdout;
    expect(said.split('Another hub is called hosta')).toHaveLength(2);
    expect(said).toContain('→ Set MAM_HOST (host in MAM_HOME/config.json) to another name');
    expect(await isJoined(a)).toBe(true);
    expect((await b.mesh())?.online).toBe(1);
    // Whatever comes of it would have come by now.
    await pause(4_000);
    expect(all.seen.map(({ text }) => JSON.parse(text).online)).toEqual([true]);
    // With the first one gone, the name is free.
    await a.mam('hub', 'stop');
    await twin.mam('hub', 'restart');
    await until('the twin has joined', () => isJoined(twin));
    await b.sees(1);
  });

  test('a killed one does not keep its name from the next, and its will, when it comes, changes nothing', async () => {
    const { broker, a, b } = await three();
    await a.mam('hub', 'restart');
    await b.mam('hub', 'restart');
    await b.sees(1);
    const all = await recorder(broker, 'hostb', STATUS);
    await a.killHub();
    const killed = new Date().toISOString();
    await a.mam('hub', 'restart');
    await until('the next one has joined', () => isJoined(a));
    await until('hostb sees it, and not the one before', async () => {
      const [row] = (await b.json('hosts')).rows;
      return row.state === 'online' && row.since > killed;
    });
    const [epoch = ''] = all.seen.map(({ text }) => JSON.parse(text).epoch as string);
    const forged = await RawClient.join(broker, 'hosta');
    for (const late of [
      { online: false, epoch },
      { online: true, epoch },
    ]) {
      const before = all.seen.length;
      await forged.say(STATUS, late, { retain: true });
      const said = () => JSON.parse(all.seen.slice(before).at(-1)?.text ?? '{}');
      await until('it says again that it is online', () => said().online === true && said().epoch !== epoch);
      expect((await b.mesh())?.online).toBe(1);
      expect(await isJoined(a)).toBe(true);
    }
  });

  test('another host can take it off neither by its status nor by its will', async () => {
    const { broker, a, b } = await three();
    await a.mam('hub', 'restart');
    await b.mam('hub', 'restart');
    await b.sees(1);
    const all = await recorder(broker, 'hostb', STATUS);
    const offline = JSON.stringify({ online: false, epoch: new Date(Date.now() + 60_000).toISOString() });
    const will = { topic: STATUS, payload: Buffer.from(offline), qos: 1, retain: true } as const;
    const forger = await RawClient.join(broker, 'hostb', { mqtt: { will } });
    await forger.say(STATUS, offline, { retain: true });
    const earlier = { v: 1, epoch: '2020-01-01T00:00:00.000Z', protocol: 1, now: new Date().toISOString() };
    await forger.say('mam/v1/default/hosts/hosta/in/hosta/hello', { ...earlier, reply: true });
    forger.crash();
    await pause(2_000);
    expect(all.seen).toHaveLength(1);
    expect(await isJoined(a)).toBe(true);
    expect((await b.mesh())?.online).toBe(1);
  });
});

describe('senders', () => {
  test('with permissions, the broker proves who sends; a host that is not named is not answered', async () => {
    const { broker, b } = await three({ users: ['hosta', 'hostb', 'mallory'] });
    await b.mam('hub', 'restart');
    await until(
      'it is tested',
      async () => (await b.mesh())?.broker?.senders === 'proven',
      30_000 * PATIENCE,
    );
    const mallory = await recorder(broker, 'mallory', 'mam/v1/default/hosts/mallory/in/#');
    const now = new Date().toISOString();
    const hello = { v: 1, epoch: now, now, protocol: 1, reply: true };
    for (const name of ['mallory', 'hosta'])
      await mallory.say(`mam/v1/default/hosts/hostb/in/${name}/hello`, hello);
    await b.logged('mallory has sent something');
    expect(mallory.seen).toEqual([]);
    expect((await b.mesh())?.online).toBe(0);
  });

  test.each([
    [{}, 'unproven'],
    [{ trust_realm: true }, 'trusted'],
  ])('without permissions they are not proven; with %j they are %s', async (config, senders) => {
    const { b } = await three({ acl: false });
    b.configure({ ...config, hosts: { hosta: { may: { delegate: true } } } });
    await b.mam('hub', 'restart');
    await until('it is tested', async () => (await b.mesh())?.broker?.senders === senders);
  });
});
