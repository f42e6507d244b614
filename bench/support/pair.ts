import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { Broker } from '../../test/support/hosts/broker.ts';
import type { HostLab } from '../../test/support/hosts/host-lab.ts';
import { type Hosts, hosts } from '../../test/support/hosts/hosts.ts';
import { MosquittoBroker } from '../../test/support/hosts/mosquitto.ts';
import { NatsBroker } from '../../test/support/hosts/nats.ts';
import { Sshd } from '../../test/support/hosts/sshd.ts';
import type { LabServer } from '../../test/support/lab-server.ts';
import { until } from '../../test/support/until.ts';
import { MAM } from './lab.ts';
import { Panes } from './panes.ts';

/** How two hosts reach each other. */
export type Way = 'mosquitto' | 'nats' | 'ssh';
export const WAYS: readonly Way[] = ['mosquitto', 'nats', 'ssh'];

/** The sessions on `hostb`: for its own supervisor, and for the other host's. */
export const NEAR = 'near';
export const FAR = 'far';

const worlds = new Set<Hosts>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled([...worlds].map((world) => world.end())).then(() => process.exit(1));
  });
}

/**
 * Does something in a world of hosts, which is removed whatever happens.
 * @param over absent: namespaces where they can be made
 */
export async function inHosts<T>(
  names: readonly string[],
  work: (world: Hosts) => Promise<T>,
  over?: 'loopback',
): Promise<T> {
  const world = await hosts(names, over === undefined ? {} : { over });
  worlds.add(world);
  try {
    return await work(world);
  } finally {
    worlds.delete(world);
    await world.end();
  }
}

/** Two hosts with the program under test: `hosta` delegates to `hostb`. */
export class Pair {
  readonly a: HostLab;
  readonly b: HostLab;
  readonly panes: Panes;
  readonly #world: Hosts;

  private constructor(world: Hosts) {
    this.#world = world;
    [this.a, this.b] = [world.lab('hosta'), world.lab('hostb')];
    const { b } = this;
    b.expected.push(/^panes\.sock$/);
    this.panes = new Panes({
      folder: b.folder,
      startSessions: async (names, command) => {
        for (const name of names) await b.startSession(name, command);
      },
    });
  }

  /** Both hubs run and know each other. */
  static async make(world: Hosts, way: Way): Promise<Pair> {
    const pair = new Pair(world);
    for (const lab of [pair.a, pair.b]) lab.install('mam', `exec '${process.execPath}' '${MAM}' "$@"`);
    if (way === 'ssh') await pair.#overSsh();
    else {
      const broker = await (way === 'nats' ? NatsBroker : MosquittoBroker).make(world);
      await pair.#over(broker);
    }
    await startHub(pair.b);
    await startHub(pair.a);
    if (way !== 'ssh') await Promise.all([pair.a, pair.b].map((lab) => sees(lab, 1)));
    return pair;
  }

  server(lab: HostLab): Promise<LabServer> {
    return lab.startServer({}, { clientName: 'bench', program: [MAM] });
  }

  /** Takes a host off the network. */
  cut(host: 'hosta' | 'hostb'): Promise<void> {
    return this.#world.cut(host);
  }

  mend(host: 'hosta' | 'hostb'): Promise<void> {
    return this.#world.mend(host);
  }

  async #over(broker: Broker): Promise<void> {
    await broker.start();
    for (const lab of [this.a, this.b]) lab.more = await broker.env(lab.host);
    this.a.configure({ hosts: { hostb: {} } });
    const sessions = [NEAR, FAR, 'job'];
    const may = { delegate: true, decide: true, workdirs: [this.b.project], sessions };
    this.b.configure({ hosts: { hosta: { may } } });
  }

  async #overSsh(): Promise<void> {
    const sshd = await Sshd.start(this.#world, 'hostb');
    this.a.configure({ hosts: { hostb: { ssh: await sshd.letIn('hosta') } } });
  }
}

/** Starts a host's hub, which stays up. */
export async function startHub(lab: HostLab): Promise<void> {
  const { code, stderr } = await lab.start(['hub', 'restart'], { program: MAM, input: '' }).ended;
  if (code !== 0) throw new Error(stderr);
}

/** Waits until a host sees this many others. */
export async function sees(lab: HostLab, online: number, ms?: number): Promise<void> {
  await until(
    `${lab.host} sees ${online} others`,
    async () => {
      const { stdout } = await lab.start(['hub', 'status', '--json'], { program: MAM, input: '' }).ended;
      return JSON.parse(stdout).mesh?.online === online;
    },
    ms,
  );
}

/** The number of events in a job's journal on a host; 0 while there is none. */
export function events(lab: HostLab, jobId: string): number {
  // A job of another host that names no folder is in the home.
  const folders = [lab.registry, join(lab.home, 'project', 'jobs'), join(lab.home, 'jobs')];
  const path = folders.map((dir) => join(dir, jobId, 'events.jsonl')).find((one) => existsSync(one));
  return path === undefined ? 0 : readFileSync(path, 'latin1').split('\n').filter(Boolean).length;
}

/** Follows the events of all jobs that a host's hub tells its clients. */
export async function follow(lab: HostLab, take: (topic: string, payload: Buffer) => void) {
  const { socket, realm } = lab.hub();
  const client = new mqtt.MqttClient(() => createConnection(socket), {
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  client.on('error', () => {});
  client.on('message', take);
  await new Promise<void>((done) => client.once('connect', () => done()));
  await client.subscribeAsync(`mam/v1/${realm}/hosts/+/jobs/+/log`, { qos: 0 });
  return client;
}
