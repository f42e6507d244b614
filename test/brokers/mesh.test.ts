import { afterEach, expect, test } from 'vitest';
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
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** Two hubs on a broker with TLS, each of which names the other, and a program that reports to `hostb`. */
async function two(make: Make, more: BrokerOptions = {}): Promise<Broker> {
  world = await hosts(['hosta', 'hostb']);
  const broker = await make(world, { tls: true, users: ['hosta', 'hostb', 'program'], ...more });
  await broker.start();
  const may = { delegate: true, sessions: ['tmux:good', 'tmux:mute'] };
  await broker.introduce(({ folder }) => ({ ...may, workdirs: [folder] }), { program: {} });
  for (const name of world.names) await world.lab(name).mam('hub', 'restart');
  for (const name of world.names) await world.lab(name).sees(1);
  return broker;
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

test.each(BROKERS)(
  'over $name, what a program reports while the hub of the job is away is recorded when it is back',
  async ({ make, missing }) => {
    expect(missing).toBe(undefined);
    const broker = await two(make);
    const far = world.lab('hostb');
    const peer = await far.startPeer('mute');
    const supervisor = await world.lab('hosta').startServer();
    const order = { prompt: 'Mend the roof', agent: 'command', agent_session: `${peer.address}@hostb` };
    const { job_id } = await supervisor.ask('delegate_job', { ...order, workdir: far.project });
    await until('it is submitted', () => far.types(job_id).includes('submitted'));
    await far.mam('hub', 'stop');
    const program = await RawClient.join(broker, 'program');
    const inbox = 'mam/v1/default/hosts/hostb/in/program';
    // As one line of mosquitto_pub says it.
    await program.say(`${inbox}/claim/${job_id}`, { type: 'progress', detail: 'half' });
    await program.say(`${inbox}/claim/${job_id}`, { type: 'completed', detail: 'whole' });
    await far.mam('hub', 'restart');
    const here = world.lab('hosta');
    await until('the copy has the end', () => here.types(job_id).includes('completed'));
    const said = here.events(job_id).filter(({ source }) => source === 'peer');
    expect(said.map(({ type, detail }) => [type, detail])).toEqual([
      ['progress', 'half'],
      ['completed', 'whole'],
    ]);
  },
);

test.each(BROKERS.filter(({ name }) => name !== 'Mosquitto'))(
  'a cluster of $name loses a node for good in the middle of a job: the hubs go to another, and nothing is lost',
  async ({ make, missing }) => {
    expect(missing).toBe(undefined);
    const broker = await two(make, { nodes: 3 });
    const [here, far] = [world.lab('hosta'), world.lab('hostb')];
    const peer = await far.startPeer('mute');
    const supervisor = await here.startServer();
    const order = { prompt: 'Mend the roof', agent: 'command', agent_session: `${peer.address}@hostb` };
    const { job_id } = await supervisor.ask('delegate_job', { ...order, workdir: far.project });
    const reporter = await far.reporter;
    await reporter.report(job_id, 'progress', { detail: 'before' });
    await until('the copy has it', () => here.types(job_id).includes('progress'));
    // Both hubs are at the first node of the list.
    await broker.kill(0);
    for (const detail of ['one', 'two', 'three']) await reporter.report(job_id, 'progress', { detail });
    await reporter.report(job_id, 'completed', { detail: 'done' });
    const ended = async () => {
      const { jobs } = await supervisor.ask('wait_job', { job_id, timeout_seconds: 10 });
      return jobs[0].status === 'completed';
    };
    await until('the end is heard of', ended);
    await until('the copy is whole', () => here.types(job_id).length === far.types(job_id).length);
    expect(here.events(job_id)).toEqual(far.events(job_id));
    // The other one, at another node.
    for (const name of world.names) await world.lab(name).sees(1);
  },
);
