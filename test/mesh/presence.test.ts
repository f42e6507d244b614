import { afterEach, expect, test } from 'vitest';
import type { MeshStatus } from '../../src/operations/hosts.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker } from '../support/hosts/mosquitto.ts';
import { until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** What a host's hub says about the others. */
async function mesh(host: string): Promise<MeshStatus | undefined> {
  return (await world.lab(host).json('hub', 'status')).mesh as MeshStatus | undefined;
}

/** Two hosts with a broker, each of which names the other. */
async function two(options: Parameters<typeof MosquittoBroker.make>[1] = {}) {
  world = await hosts(['hosta', 'hostb']);
  const broker = await MosquittoBroker.make(world, options);
  await broker.start();
  for (const [name, other] of [
    ['hosta', 'hostb'],
    ['hostb', 'hosta'],
  ] as const) {
    const lab = world.lab(name);
    lab.more = await broker.env(name);
    lab.configure({ hosts: { [other]: { may: { delegate: true } } } });
  }
  return broker;
}

test('two hubs find each other on a broker, and stay up although nobody is connected', async () => {
  await two();
  await world.lab('hosta').mam('hub', 'restart');
  await world.lab('hostb').mam('hub', 'restart');
  for (const host of world.names)
    await until(`${host} sees the other`, async () => (await mesh(host))?.online === 1);
  expect(await mesh('hosta')).toMatchObject({ host: 'hosta', hosts: 1, broker: { state: 'joined' } });
});
