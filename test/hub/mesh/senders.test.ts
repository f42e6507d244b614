import { afterEach, expect, test } from 'vitest';
import { within } from '../../../src/base/within.ts';
import { openConnection } from '../../../src/bus/connection.ts';
import { inboxFilter, parseInboxTopic } from '../../../src/bus/topics.ts';
import { Senders } from '../../../src/hub/mesh/senders.ts';
import type { BrokerWire } from '../../../src/hub/mesh/wire/broker-wire.ts';
import { smallBroker } from '../../support/hosts/small-broker.ts';
import { until } from '../../support/until.ts';

const [REALM, HOST] = ['test', 'hosta'];
const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** True for a message that the broker passes on; with any other it ends the connection. */
type Rule = (from: string, client: string) => boolean;

/** A broker that checks nobody, a hub's connection to it, and what this hub thinks of its senders. */
async function lab() {
  const { aedes, url, end } = await smallBroker();
  ends.push(end);
  let mayPass: Rule = () => true;
  aedes.authorizePublish = (client, { topic }, done) => {
    const from = parseInboxTopic(REALM, topic)?.from ?? '';
    if (client === null || mayPass(from, client.id)) return done(null);
    client.conn.destroy();
    done(new Error('not authorized'));
  };
  const address = { kind: 'url' as const, url };
  const wire = { address, isUp: true } as unknown as BrokerWire;
  const hub = await openConnection(address, { clientId: 'hub', clean: true });
  ends.push(() => hub.endAsync(true));
  hub.on('message', (topic, payload) => {
    const { from = '', kind = '' } = parseInboxTopic(REALM, topic) ?? {};
    wire.intercept?.(from, kind, payload);
  });
  await hub.subscribeAsync(inboxFilter(REALM, HOST), { qos: 0 });
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const senders = new Senders({ realm: REALM, host: HOST, log, trustsRealm: false, mayAsk: () => true });
  return { ...{ address, senders, wire }, rule: (next: Rule) => (mayPass = next) };
}

test('a broker that passes on everything proves nobody, and one that ends a forger proves all', async () => {
  const { senders, wire, rule } = await lab();
  senders.test(wire);
  await senders.known();
  expect(senders.areProven).toBe(false);
  rule((from) => from === HOST);
  senders.test(wire);
  await senders.known();
  expect(senders.areProven).toBe(true);
});

test('a test of a connection that was lost says nothing about the next one', async () => {
  const { senders, wire, rule } = await lab();
  let isLost = false;
  rule((from) => {
    if (isLost || from === HOST) return true;
    // The broker is killed with the forged message, and is back before anybody misses it.
    isLost = true;
    return false;
  });
  senders.test(wire);
  await until('the broker is killed', () => isLost);
  senders.test(wire);
  await senders.known();
  expect(senders.areProven).toBe(false);
  // The first test waits a second for what it has forged.
  await within(senders.known(), 1_500);
  expect(senders.areProven).toBe(false);
});

test('whoever reads what the test says cannot end it as the broker ends a forger, nor answer for it', async () => {
  const { address, senders, wire, rule } = await lab();
  const tested: string[] = [];
  rule((from, client) => {
    if (from === HOST && client.startsWith('mam-mesh-')) tested.push(client);
    return true;
  });
  const reader = await openConnection(address, { clientId: 'reader', clean: true });
  ends.push(() => reader.endAsync(true));
  let told = '';
  reader.on('message', (_, payload) => (told += payload.toString()));
  await reader.subscribeAsync('#', { qos: 0 });
  senders.test(wire);
  await senders.known();
  expect(senders.areProven).toBe(false);
  await until('all is read', () => told.split('}').length > 7);
  const ids = [...new Set(tested)].map((id) => id.split('-').at(-1) ?? id);
  expect(ids).toHaveLength(1);
  expect(told).not.toContain(ids[0]);
  const said = told.match(/\{[^}]*\}/g) ?? [];
  // Three forged messages are alike; no two of the honest ones are.
  expect(new Set(said).size).toBe(said.length - 2);
});
