import { afterEach, expect, test } from 'vitest';
import type { MeshStatus } from '../../src/operations/hosts.ts';
import type { Broker, BrokerOptions } from '../support/hosts/broker.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker, NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { NatsBroker, NO_NATS } from '../support/hosts/nats.ts';
import { NO_RABBITMQ, RabbitmqBroker } from '../support/hosts/rabbitmq.ts';
import { until } from '../support/until.ts';

type Make = (world: Hosts, options: BrokerOptions) => Promise<Broker>;
const BROKERS: { name: string; missing: string | undefined; make: Make }[] = [
  { name: 'Mosquitto', missing: NO_MOSQUITTO, make: (...given) => MosquittoBroker.make(...given) },
  { name: 'NATS', missing: NO_NATS, make: (...given) => NatsBroker.make(...given) },
  { name: 'RabbitMQ', missing: NO_RABBITMQ, make: (...given) => RabbitmqBroker.make(...given) },
];

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** What a host's hub says about the others. */
async function mesh(host: string): Promise<MeshStatus | undefined> {
  return (await world.lab(host).json('hub', 'status')).mesh as MeshStatus | undefined;
}

/** Two hubs on a broker with TLS, each of which names the other. */
async function two(make: Make): Promise<void> {
  world = await hosts(['hosta', 'hostb']);
  const broker = await make(world, { tls: true });
  await broker.start();
  for (const [name, other] of [
    ['hosta', 'hostb'],
    ['hostb', 'hosta'],
  ] as const) {
    const lab = world.lab(name);
    lab.more = await broker.env(name);
    lab.configure({
      hosts: { [other]: { may: { delegate: true, sessions: ['tmux:good'], workdirs: [lab.folder] } } },
    });
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
    const far = world.lab('hostb');
    const peer = await far.startPeer('good');
    const supervisor = await world.lab('hosta').startServer();
    const order = { prompt: 'Mend the roof', agent: 'command', agent_session: `${peer.address}@hostb` };
    const job = await supervisor.ask('delegate_job', { ...order, workdir: far.project });
    const waited = await supervisor.ask('wait_job', { job_id: job.job_id, timeout_seconds: 60 });
    expect(waited.jobs).toMatchObject([{ job_id: job.job_id, status: 'completed' }]);
    const here = world.lab('hosta');
    // The copy is the journal of its home, line by line.
    await until('the copy is whole', () => here.types(job.job_id).length === far.types(job.job_id).length);
    expect(here.events(job.job_id)).toEqual(far.events(job.job_id));
    expect(far.types(job.job_id)).toContain('completed');
  },
);
