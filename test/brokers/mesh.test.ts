import { afterEach, expect, test } from 'vitest';
import type { MeshStatus } from '../../src/operations/hosts.ts';
import type { Broker, BrokerOptions } from '../support/hosts/broker.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker, NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { NatsBroker, NO_NATS } from '../support/hosts/nats.ts';
import { NO_RABBITMQ, RabbitmqBroker } from '../support/hosts/rabbitmq.ts';
import { RawClient } from '../support/hosts/raw-client.ts';
import { until } from '../support/until.ts';

type Make = (world: Hosts, options: BrokerOptions) => Promise<Broker>;
const BROKERS: { name: string; missing: string | undefined; make: Make }[] = [
  { name: 'Mosquitto', missing: NO_MOSQUITTO, make: (...given) => MosquittoBroker.make(...given) },
  { name: 'NATS', missing: NO_NATS, make: (...given) => NatsBroker.make(...given) },
  { name: 'RabbitMQ', missing: NO_RABBITMQ, make: (...given) => RabbitmqBroker.make(...given) },
];

let world: Hosts;
let broker: Broker;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** What a host's hub says about the others. */
async function mesh(host: string): Promise<MeshStatus | undefined> {
  return (await world.lab(host).json('hub', 'status')).mesh as MeshStatus | undefined;
}

/** Two hubs on a broker, each of which names the other. */
async function two(make: Make, options: BrokerOptions = {}): Promise<void> {
  world = await hosts(['hosta', 'hostb']);
  broker = await make(world, { tls: true, users: ['hosta', 'hostb', 'mallory'], ...options });
  await broker.start();
  for (const [name, other] of [
    ['hosta', 'hostb'],
    ['hostb', 'hosta'],
  ] as const) {
    const lab = world.lab(name);
    lab.more = await broker.env(name);
    lab.configure({ hosts: { [other]: { may: { delegate: true, workdirs: [lab.folder] } } } });
    await lab.mam('hub', 'restart');
  }
  for (const host of world.names)
    await until(`${host} sees the other`, async () => (await mesh(host))?.online === 1);
}

test.each(BROKERS)(
  'over $name, with the files for users, a job is done on another host',
  async ({ make, missing }) => {
    expect(missing).toBe(undefined);
    await two(make);
    const check = await world.lab('hosta').mam('hosts', 'check', 'hostb');
    expect(check).toMatchObject({ code: 0, stderr: '' });
    // Somebody whom the broker knows says that it is host a: the hub of host b never hears of it.
    const mallory = await RawClient.join(broker, 'mallory');
    await mallory.say('mam/v1/default/hosts/hostb/in/hosta/hello', {
      v: 1,
      epoch: new Date(0).toISOString(),
    });
    const far = world.lab('hostb');
    const peer = await far.startPeer('good');
    const supervisor = await world.lab('hosta').startServer();
    const order = { prompt: 'Mend the roof', agent: 'command', agent_session: `${peer.address}@hostb` };
    const job = await supervisor.ask('delegate_job', { ...order, workdir: far.project });
    const waited = await supervisor.ask('wait_job', { job_id: job.job_id, timeout_seconds: 60 });
    expect(waited.jobs).toMatchObject([{ job_id: job.job_id, status: 'completed' }]);
    expect(far.types(job.job_id)).toContain('completed');
  },
);
