import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { aclFor } from '../../src/cli/hosts/acl.ts';
import { lineWith } from '../docs/markdown.ts';
import type { Broker } from '../support/hosts/broker.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker, NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { NatsBroker, NO_NATS } from '../support/hosts/nats.ts';
import { fillIn } from '../support/hosts/passwords.ts';
import { NO_RABBITMQ, RabbitmqBroker } from '../support/hosts/rabbitmq.ts';
import { RawClient } from '../support/hosts/raw-client.ts';
import { until } from '../support/until.ts';

const OLD = ['hosta', 'hostb'];
const ALL = [...OLD, 'hostc'];
const TOPICS = 'mam/v1/default/hosts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** @throws with what the program said, unless it ends with 0 */
function run(file: string, args: string[], env: Record<string, string> = world.env): void {
  const { status, stdout, stderr, error } = spawnSync(file, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file}: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** The last of the files for all three hosts, which names them. */
function printed(broker: 'nats' | 'rabbitmq'): string {
  return fillIn(aclFor(broker, 'default', ALL).at(-1)?.text ?? '');
}

/** Each broker, and how docs/many-machines.md lets it know a further host. */
const BROKERS = [
  {
    ...{ name: 'mosquitto', missing: NO_MOSQUITTO },
    async make() {
      const broker = await MosquittoBroker.make(world, { users: OLD });
      const add = () => {
        const line = lineWith('docs/many-machines.md', 'mosquitto_passwd -b');
        const there = line.replace('/etc/', `${join(broker.folder, 'etc')}/`);
        run('bash', ['-c', fillIn(there)]);
        // As its unit of systemd reloads it.
        process.kill(broker.nodes[0]?.pid ?? 0, 'SIGHUP');
      };
      return { broker, add };
    },
  },
  {
    ...{ name: 'nats', missing: NO_NATS },
    async make() {
      const broker = await NatsBroker.make(world, { users: OLD });
      const add = () => {
        const file = join(broker.folder, 'node1/nats-server.conf');
        // The port and the folders are the test's own.
        const [own = ''] = readFileSync(file, 'utf8').split('authorization {');
        writeFileSync(file, own + printed('nats').slice(printed('nats').indexOf('authorization {')));
        process.kill(broker.nodes[0]?.pid ?? 0, 'SIGHUP');
      };
      return { broker, add };
    },
  },
  {
    ...{ name: 'rabbitmq', missing: NO_RABBITMQ },
    async make() {
      const broker = await RabbitmqBroker.make(world, { users: OLD });
      const add = () => {
        const file = join(broker.folder, 'mam.json');
        writeFileSync(file, printed('rabbitmq'));
        // The one on the PATH changes to another user.
        run('/usr/lib/rabbitmq/bin/rabbitmqctl', ['import_definitions', file], broker.control);
      };
      return { broker, add };
    },
  },
];

/** True if a host can join the broker now. */
async function joins(broker: Broker, host: string): Promise<boolean> {
  const client = await RawClient.join(broker, host).catch(() => undefined);
  await client?.end();
  return client !== undefined;
}

test.each(BROKERS)('$name takes a further host while it runs', async ({ missing, make }) => {
  expect(missing).toBe(undefined);
  world = await hosts([], { over: 'loopback' });
  const { broker, add } = await make();
  await broker.start();
  const home = await RawClient.join(broker, 'hostb');
  await home.hear(`${TOPICS}/hostb/in/#`, 0);
  expect(await joins(broker, 'hostc')).toBe(false);
  add();
  await until('hostc can join', () => joins(broker, 'hostc'));
  const further = await RawClient.join(broker, 'hostc');
  await further.say(`${TOPICS}/hostb/in/hosta/hello`, 'forged').catch(() => {});
  await further.end();
  const again = await RawClient.join(broker, 'hostc');
  await again.say(`${TOPICS}/hostb/in/hostc/hello`, 'true');
  // Those that were connected stay connected.
  await until('hostb hears it', () => home.on('/in/hostc/hello').includes('true'));
  expect(home.on('/in/hosta/hello')).toEqual([]);
  expect(home.isConnected).toBe(true);
  await again.end();
  await home.end();
});
