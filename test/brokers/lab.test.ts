import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { BrokerOptions } from '../support/hosts/broker.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { NatsBroker, NO_NATS } from '../support/hosts/nats.ts';
import { NO_RABBITMQ, RabbitmqBroker } from '../support/hosts/rabbitmq.ts';
import { RawClient } from '../support/hosts/raw-client.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const INBOX = 'mam/v1/default/hosts/hostb/in';
const STATUS = 'mam/v1/default/hosts/hosta/status';

const BROKERS = [
  {
    name: 'NATS',
    missing: NO_NATS,
    make: (world: Hosts, options: BrokerOptions) => NatsBroker.make(world, options),
  },
  {
    ...{ name: 'RabbitMQ', missing: NO_RABBITMQ },
    make: (world: Hosts, options: BrokerOptions) => RabbitmqBroker.make(world, options),
  },
];

let world: Hosts;
afterEach(() => world.end());

describe.each(BROKERS)('$name', ({ missing, make }) => {
  test.skipIf(missing)('as a cluster: from node to node, also when one is dead for good', async () => {
    world = await hosts(['hosta', 'hostb']);
    const broker = await make(world, { nodes: 3 });
    await broker.start();
    expect((await broker.url('hosta')).split(',').length).toBe(3);
    const home = await RawClient.join(broker, 'hostb', { node: 2 });
    await home.hear(`${INBOX}/#`, 0);
    const other = await RawClient.join(broker, 'hosta', { node: 0 });
    await arrives(other, home, 'from the first to the third');
    await broker.kill(0);
    await until('its client is thrown out', () => !other.isConnected);
    const again = await until('another node takes it', () => RawClient.join(broker, 'hosta', { node: 1 }));
    await arrives(again, home, 'from the second to the third');
    await broker.restart(0);
    await arrives(await RawClient.join(broker, 'hosta', { node: 0 }), home, 'from the first again');
  });

  test.skipIf(missing)('alone: frozen, killed, and empty again', async () => {
    world = await hosts(['hosta']);
    const broker = await make(world, {});
    await broker.start();
    const [first] = broker.nodes;
    const pid = first?.pid ?? 0;
    const client = await RawClient.join(broker, 'hosta');
    await client.say(STATUS, 'here', { retain: true });
    broker.freeze();
    await until('it stands still', () => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    let isAcknowledged = false;
    const said = client.say(STATUS, 'there', { retain: true }).then(() => {
      isAcknowledged = true;
    });
    await expect(until('it is acknowledged', () => isAcknowledged, 300)).rejects.toThrow();
    broker.thaw();
    await said;
    expect(isAcknowledged).toBe(true);
    await broker.restart(undefined, { empty: true });
    expect(isRunning(pid)).toBe(false);
    await until('its client is thrown out', () => !client.isConnected);
    const late = await RawClient.join(broker, 'hosta');
    await late.hear(STATUS);
    await late.say(STATUS, 'end');
    await until('it hears itself', () => late.on('/status').includes('end'));
    expect(late.on('/status')).toEqual(['end']);
  });
});

/** Says something until it is heard: between nodes, a subscription becomes known after a moment. */
async function arrives(from: RawClient, to: RawClient, text: string): Promise<void> {
  await until(`${text} is heard`, async () => {
    await from.say(`${INBOX}/hosta/hello`, text, { qos: 0 });
    return to.on('/hello').includes(text);
  });
}
