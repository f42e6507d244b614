import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobPaths } from '../../../src/registry/paths.ts';
import type { Json, LabServer } from '../lab-server.ts';
import type { Peer } from '../peer.ts';
import { until } from '../until.ts';
import type { HostLab } from './host-lab.ts';
import { type Hosts, type HostsOptions, hosts } from './hosts.ts';
import { MosquittoBroker } from './mosquitto.ts';
import { MqttRelay } from './mqtt-relay.ts';

export interface TwoOptions extends HostsOptions {
  broker?: Parameters<typeof MosquittoBroker.make>[1];
  /** Each hub reaches the broker over a relay of its own; implies loopback. */
  relayed?: boolean;
  /** Users of the broker that are hosts for `hosta` as well. */
  more?: readonly string[];
}

/** The sessions that a test's peers have, of which a host may use only those that are named. */
const SESSIONS = [
  'good',
  'good-mcp',
  'mute',
  'asker',
  'chat',
  'dialog',
  'dies',
  'slow',
  'twice',
  'early',
].flatMap((name) => [name, ...Array.from({ length: 30 }, (_, at) => `${name}-${at + 1}`)]);

/** Two hosts on one broker: `hosta` delegates to `hostb`. */
export class TwoHosts {
  readonly world: Hosts;
  readonly broker: MosquittoBroker;
  readonly a: HostLab;
  readonly b: HostLab;
  readonly relays = new Map<string, MqttRelay>();

  private constructor(world: Hosts, broker: MosquittoBroker) {
    this.world = world;
    this.broker = broker;
    this.a = world.lab('hosta');
    this.b = world.lab('hostb');
  }

  /** Both are configured and no hub runs yet. End `world`. */
  static async make({
    broker: brokerOptions,
    relayed,
    more = [],
    ...options
  }: TwoOptions = {}): Promise<TwoHosts> {
    const world = await hosts(['hosta', 'hostb'], {
      ...options,
      ...(relayed === true && { over: 'loopback' as const }),
    });
    const users = ['hosta', 'hostb', ...more];
    const two = new TwoHosts(world, await MosquittoBroker.make(world, { users, ...brokerOptions }));
    await two.broker.start();
    for (const [lab, others] of [
      [two.a, ['hostb', ...more]],
      [two.b, ['hosta', ...more]],
    ] as const) {
      lab.more = await two.broker.env(lab.host);
      if (relayed === true) {
        const relay = await MqttRelay.to(two.broker);
        two.relays.set(lab.host, relay);
        lab.more = { ...lab.more, MAM_BROKER_URL: relay.url };
      }
      const may = { delegate: true, decide: true, workdirs: [lab.project], sessions: SESSIONS };
      const named = others.map((name) => [name, name === 'hosta' ? { may } : {}]);
      lab.configure({ hosts: Object.fromEntries(named) });
    }
    return two;
  }

  relay(host: 'hosta' | 'hostb'): MqttRelay {
    const relay = this.relays.get(host);
    if (relay === undefined) throw new Error(`${host} has no relay`);
    return relay;
  }

  /** Starts a host's hub, which stays up. */
  async startHub(lab: HostLab): Promise<void> {
    const { code, stderr } = await lab.mam('hub', 'restart');
    if (code !== 0) throw new Error(stderr);
  }

  /** Both hubs run and know each other. */
  async meet(): Promise<void> {
    await Promise.all([this.startHub(this.b), this.startHub(this.a)]);
    await Promise.all([this.a.sees(1), this.b.sees(1)]);
  }

  /** Delegates a job from `hosta` to a peer on `hostb`. */
  delegate(server: LabServer, peer: Peer, args: Record<string, unknown> = {}): Promise<Json> {
    return server.delegate(peer, { agent_session: `${peer.address}@hostb`, ...args });
  }

  /** Lines of a job's journal without their proofs, which each host makes by itself. */
  lines(lab: HostLab, jobId: string): string[] {
    return readFileSync(this.journal(lab, jobId), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/,"mac":"[\w-]{22}"\}$/, '}'));
  }

  /** Waits until both journals have the same lines, and ends with an event of this type. @returns the lines */
  async agree(jobId: string, last: string, ms?: number): Promise<string[]> {
    await until(
      `the copy of ${jobId} ends with ${last}`,
      () => {
        const [a, b] = [this.lines(this.a, jobId), this.lines(this.b, jobId)];
        return JSON.parse(b.at(-1) ?? '{}').type === last && a.length >= b.length;
      },
      ms,
    );
    const [a, b] = [this.lines(this.a, jobId), this.lines(this.b, jobId)];
    if (a.join('\n') !== b.join('\n'))
      throw new Error(`the journals differ:\n${a.join('\n')}\n---\n${b.join('\n')}`);
    return b;
  }

  /** The file of a job's events on a host. */
  journal(lab: HostLab, jobId: string): string {
    const registries = [lab.registry, join(lab.home, 'jobs')];
    const found = registries.map((dir) => jobPaths(dir, jobId).journal).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${lab.host} has no job ${jobId}`);
    return found;
  }
}
