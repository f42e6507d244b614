import type { MayConfig } from '../../../src/settings/hosts-config.ts';
import type { Lab } from '../lab.ts';
import { until } from '../until.ts';
import type { BrokerOptions } from './broker.ts';
import { type Hosts, hosts } from './hosts.ts';
import { MosquittoBroker } from './mosquitto.ts';
import { RawAsker } from './raw-asker.ts';

/** Everything is allowed in a folder. */
export function all(lab: Lab): MayConfig {
  return {
    ...{ delegate: true, sessions: ['tmux:mute', 'tmux:good', 'tmux:asker', 'tmux:own'] },
    ...{ workdirs: [lab.project], start: true, validate: true, decide: true, see: 'own' },
    max_open_jobs: 10,
  };
}

/** A hub `hostb` at a broker, and whoever asks it there. */
export class HomeWorld {
  readonly hosts: Hosts;
  readonly broker: MosquittoBroker;

  private constructor(world: Hosts, broker: MosquittoBroker) {
    this.hosts = world;
    this.broker = broker;
  }

  /** @param options of the broker, which knows `hosta` to `hostd` unless they say otherwise */
  static async make(options: BrokerOptions = {}): Promise<HomeWorld> {
    const world = await hosts(['hostb'], { over: 'loopback' });
    const broker = await MosquittoBroker.make(world, {
      users: ['hosta', 'hostb', 'hostc', 'hostd'],
      ...options,
    });
    await broker.start();
    return new HomeWorld(world, broker);
  }

  /** The host that is asked. */
  get lab(): Lab {
    return this.hosts.lab('hostb');
  }

  /** What each host may ask for from now on; a running hub reads it with the next ask. */
  allow(may: Record<string, Partial<MayConfig>>, more: object = {}): void {
    const named = Object.entries(may).map(([host, allowed]) => [host, { may: allowed }]);
    this.lab.configure({ hosts: Object.fromEntries(named), ...more });
  }

  /** Starts the hub that is asked. */
  async start(env: Record<string, string> = {}): Promise<void> {
    const lab = this.hosts.lab('hostb');
    lab.more = { ...(await this.broker.env('hostb')), ...env };
    const { code, stderr } = await lab.mam('hub', 'restart');
    if (code !== 0) throw new Error(stderr);
    await until(
      'the hub knows whether the broker checks who sends',
      async () => (await lab.mesh())?.broker?.senders !== undefined,
    );
  }

  /** A host that asks, once the hub knows it. */
  async asker(name = 'hosta'): Promise<RawAsker> {
    const asker = await RawAsker.join(this.broker, name, 'hostb');
    await asker.hello();
    return asker;
  }

  /** What anybody says in a host's name, where the broker lets them. */
  stranger(name: string, isOpen = false): Promise<RawAsker> {
    return RawAsker.join(this.broker, name, 'hostb', isOpen);
  }

  end(failed: boolean): Promise<void> {
    return this.hosts.end(failed);
  }
}
