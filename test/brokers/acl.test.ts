import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Broker } from '../support/hosts/broker.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker, NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { NatsBroker, NO_NATS } from '../support/hosts/nats.ts';
import { NO_RABBITMQ, RabbitmqBroker } from '../support/hosts/rabbitmq.ts';
import { RawClient } from '../support/hosts/raw-client.ts';
import { until } from '../support/until.ts';

const TOPICS = 'mam/v1/team-1/hosts';
const OPTIONS = { users: ['hosta', 'hostb', 'hostc'], realm: 'team-1' };

/** Each broker that `mam hosts acl` knows, and what a client sees of a refusal. */
const BROKERS = [
  {
    ...{ name: 'mosquitto', missing: NO_MOSQUITTO, isClosed: false, isGranted: true },
    make: (world: Hosts) => MosquittoBroker.make(world, { ...OPTIONS, tls: true }),
  },
  {
    ...{ name: 'nats', missing: NO_NATS, isClosed: false, isGranted: false },
    make: (world: Hosts) => NatsBroker.make(world, { ...OPTIONS, tls: true }),
  },
  {
    ...{ name: 'rabbitmq', missing: NO_RABBITMQ, isClosed: true, isGranted: false },
    make: (world: Hosts) => RabbitmqBroker.make(world, { ...OPTIONS, tls: true }),
  },
];

test.each(BROKERS)('$name is installed', ({ missing }) => {
  expect(missing).toBe(undefined);
});

describe.each(BROKERS)('the files for $name', ({ missing, isClosed, isGranted, make }) => {
  let world: Hosts;
  let broker: Broker;
  beforeAll(async () => {
    if (missing !== undefined) return;
    world = await hosts([], { over: 'loopback' });
    broker = await make(world);
    await broker.start();
  });
  afterAll(() => world?.end());

  /** Host b's own hub: hears its inbox and the statuses of its partners. */
  async function home(): Promise<RawClient> {
    const client = await RawClient.join(broker, 'hostb');
    // First a part of its inbox, by which it finds out that its name is taken.
    const own = `${TOPICS}/hostb/in/hostb/#`;
    expect(await client.hear(own)).toBe(true);
    await client.say(`${TOPICS}/hostb/in/hostb/hello`, 'to myself');
    await until('it hears itself', () => client.seen.length > 0);
    await client.client.unsubscribeAsync(own);
    client.seen.length = 0;
    expect(await client.hear(`${TOPICS}/hostb/in/#`, 0)).toBe(true);
    for (const host of OPTIONS.users) expect(await client.hear(`${TOPICS}/${host}/status`)).toBe(true);
    return client;
  }

  /** True once the home has heard what another host says truly, after whatever was said before. */
  async function hearsAfter(client: RawClient, word: string): Promise<void> {
    const truth = await RawClient.join(broker, 'hosta');
    await truth.say(`${TOPICS}/hostb/in/hosta/hello`, word, { qos: 0 });
    await until('the true one is heard', () => client.on('/in/hosta/hello').includes(word));
    await truth.end();
  }

  test.skipIf(missing)(
    'a host hears each kind of message in its inbox, and the status of its partners',
    async () => {
      const client = await home();
      const other = await RawClient.join(broker, 'hosta', {
        mqtt: {
          will: { topic: `${TOPICS}/hosta/status`, payload: Buffer.from('gone'), qos: 1, retain: true },
        },
      });
      for (const kind of ['hello', 'ask', 'answer', 'feed/job-1', 'digest', 'claim/job-1'])
        for (const qos of [0, 1] as const)
          await other.say(`${TOPICS}/hostb/in/hosta/${kind}`, `${kind} ${qos}`, { qos });
      await other.say(`${TOPICS}/hosta/status`, 'here', { retain: true });
      await until('all are heard', () => client.seen.length >= 13);
      expect(client.on('/in/hosta/feed/job-1').sort()).toEqual(['feed/job-1 0', 'feed/job-1 1']);
      expect(client.on('/in/hosta/claim/job-1').length).toBe(2);
      const late = await home();
      await until('what is retained is heard', () => late.on('/hosta/status').includes('here'));
      other.crash();
      await until('its will is heard', () => client.on('/hosta/status').includes('gone'));
      // Nothing twice, although two filters are heard by the same client.
      expect(client.seen.filter(({ topic }) => topic.includes('/hosta/')).length).toBe(14);
      for (const one of [client, late]) await one.end();
    },
  );

  test.skipIf(missing)('nobody speaks in the name of another', async () => {
    const client = await home();
    const liar = await RawClient.join(broker, 'hosta');
    await liar.say(`${TOPICS}/hostb/in/hostc/ask`, 'forged');
    await hearsAfter(client, 'after the forged');
    expect(client.on('/in/hostc/ask')).toEqual([]);
    if (isClosed) await until('it is thrown out', () => !liar.isConnected);
    else expect(liar.isConnected).toBe(true);
    // Neither in a level that comes before or after, nor at the place of the kind.
    for (const end of ['hostb/in/hostc/hosta/ask', 'hostb/in', 'hostb/in/hostc', 'hostb/hosta/in/ask']) {
      const again = await RawClient.join(broker, 'hosta');
      await again.say(`${TOPICS}/${end}`, 'forged');
      await again.end();
    }
    await hearsAfter(client, 'after all the forged');
    expect(client.seen.filter(({ text }) => text === 'forged')).toEqual([]);
    for (const one of [client, liar]) await one.end();
  });

  test.skipIf(missing)('nobody writes the status of another, nor leaves it as a will', async () => {
    const client = await home();
    const liar = await RawClient.join(broker, 'hosta');
    await liar.say(`${TOPICS}/hostc/status`, 'forged', { retain: true });
    await liar.end();
    const will = {
      topic: `${TOPICS}/hostc/status`,
      payload: Buffer.from('forged'),
      qos: 1 as const,
      retain: true,
    };
    const dying = await RawClient.join(broker, 'hosta', { mqtt: { will } }).catch(() => undefined);
    dying?.crash();
    await hearsAfter(client, 'after the forged status');
    const late = await home();
    await hearsAfter(late, 'after what is retained');
    for (const one of [client, late]) {
      expect(one.on('/hostc/status')).toEqual([]);
      await one.end();
    }
  });

  test.skipIf(missing)('nobody listens at the inbox of another', async () => {
    const client = await home();
    for (const filter of [`${TOPICS}/hostb/in/#`, `${TOPICS}/+/in/#`, 'mam/v1/#', '#']) {
      const spy = await RawClient.join(broker, 'hosta');
      expect(await spy.hear(filter, 0)).toBe(isGranted);
      await hearsAfter(client, `beside ${filter}`);
      if (spy.isConnected) {
        // What it may hear comes after all that it may not.
        expect(isClosed).toBe(false);
        await spy.hear(`${TOPICS}/hosta/in/#`, 0);
        await client.say(`${TOPICS}/hosta/in/hostb/hello`, 'to the spy', { qos: 0 });
        await until('it hears its own', () => spy.on('/in/hostb/hello').includes('to the spy'));
      } else expect(isClosed).toBe(true);
      expect(spy.seen.filter(({ topic }) => topic.includes('/hostb/in/'))).toEqual([]);
      await spy.end();
    }
    await client.end();
  });

  test.skipIf(missing)('a stranger is not let in', async () => {
    await expect(RawClient.join(broker)).rejects.toThrow();
    await expect(RawClient.join(broker, 'hosta', { password: 'wrong' })).rejects.toThrow();
    await expect(RawClient.join(broker, 'mallory')).rejects.toThrow();
  });
});
