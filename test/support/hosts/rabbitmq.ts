import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { Broker, type BrokerOptions, START_MS } from './broker.ts';
import { Daemon } from './daemon.ts';
import type { Hosts } from './hosts.ts';
import { BROKER_HOST } from './network.ts';
import { passwordOf } from './passwords.ts';

const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';
/** Why there is no RabbitMQ here; undefined if there is one. */
export const NO_RABBITMQ = existsSync(PROGRAM)
  ? undefined
  : `${PROGRAM} is missing: install Debian's rabbitmq-server`;

/** The ports of one node: for MQTT, and for the other nodes. */
interface Ports {
  mqtt: number;
  node: number;
}

/** RabbitMQ, alone (it starts in 10 s on two busy cores) or as a cluster. */
export class RabbitmqBroker extends Broker {
  readonly kind = 'rabbitmq';
  /** With these variables, `rabbitmqctl` finds the first node. */
  readonly control: Record<string, string>;
  readonly #names: Daemon;

  /** Makes its files; `start` starts it. */
  static async make(hosts: Hosts, options: BrokerOptions = {}): Promise<RabbitmqBroker> {
    const ports: Ports[] = [];
    for (let n = 0; n < (options.nodes ?? 1); n++)
      ports.push({ mqtt: await freePort(), node: await freePort() });
    return new RabbitmqBroker(hosts, ports, await freePort(), options);
  }

  /** @param names the port on which its nodes find each other */
  private constructor(hosts: Hosts, ports: Ports[], names: number, options: BrokerOptions) {
    super(hosts, `rabbitmq-${ports[0]?.mqtt}`, options);
    const env = { ERL_EPMD_PORT: `${names}`, ERL_EPMD_ADDRESS: '127.0.0.1' };
    this.control = { ...hosts.env, ...env, RABBITMQ_NODENAME: nodeName(0) };
    this.#names = new Daemon(hosts, {
      host: BROKER_HOST,
      name: 'epmd',
      words: ['epmd', '-port', `${names}`, '-address', '127.0.0.1'],
      isReady: () => hosts.net.listens(BROKER_HOST, names),
    });
    const certificate = this.tls === false ? undefined : this.serverCertificate();
    for (const [index, own] of ports.entries()) {
      this.ports.push(own.mqtt);
      const name = nodeName(index);
      const folder = join(this.folder, name);
      this.write(folder, (file, text) => this.#changed(file, text, own, ports));
      if (certificate !== undefined) {
        copyFileSync(certificate.certificate, join(folder, 'rabbitmq/server.pem'));
        copyFileSync(certificate.key, join(folder, 'rabbitmq/server.key'));
      }
      this.nodes.push(
        new Daemon(hosts, {
          host: BROKER_HOST,
          name,
          words: [PROGRAM],
          env: { ...env, ...variables(folder, name, own) },
          isReady: () => hosts.net.listens(BROKER_HOST, own.mqtt),
          startMs: START_MS,
        }),
      );
    }
  }

  /** One after the other: on a busy machine, nodes that start at once may not find each other, and end. */
  protected override async startNodes(nodes: Daemon[]): Promise<void> {
    await this.#names.start();
    for (const node of nodes) await node.start();
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#names.kill();
  }

  protected async wipe(node: string): Promise<void> {
    rmSync(join(this.folder, node, 'mnesia'), { recursive: true, force: true });
  }

  /** What a user changes in the files for other ports, more nodes, and less care. */
  #changed(file: string, text: string, own: Ports, all: Ports[]): string {
    const { open = false, acl = true, more = [] } = this.options;
    if (file.endsWith('.json')) return open || !acl ? withoutTopics(text) : text;
    if (!file.endsWith('.conf')) return text;
    let changed = text.replace('ssl.default = 8883', `ssl.default = ${own.mqtt}`);
    if (this.tls === false)
      changed = changed
        .replace('mqtt.listeners.tcp = none\n', '')
        .replace('mqtt.listeners.ssl.default', 'mqtt.listeners.tcp.default')
        .replaceAll(/^ssl_options\..*\n/gm, '');
    // Who has no name has the first user's.
    const [user = ''] = this.users;
    const anybody = `allow_anonymous = true\nmqtt.default_user = ${user}\nmqtt.default_pass = ${passwordOf(user)}`;
    if (open) changed = changed.replace('allow_anonymous = false', anybody);
    const nodes = all.map(
      (_, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${nodeName(index)}`,
    );
    const cluster = ['cluster_formation.peer_discovery_backend = classic_config', ...nodes];
    return [changed, ...[...(all.length > 1 ? cluster : []), ...more].map((line) => `${line}\n`)].join('');
  }
}

/** The users with nothing that says which topics they have: they have all. */
function withoutTopics(text: string): string {
  const { topic_permissions: _, ...rest } = JSON.parse(text);
  return JSON.stringify(rest);
}

function nodeName(index: number): string {
  return `node${index + 1}@localhost`;
}

/** Everything of a node in its own folder. */
function variables(folder: string, name: string, ports: Ports): Record<string, string> {
  return {
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_NODENAME: name,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq/rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'rabbitmq/enabled_plugins'),
    RABBITMQ_DIST_PORT: `${ports.node}`,
    // Its shell becomes the node instead of starting it: a signal goes to the node itself.
    RABBITMQ_ALLOW_INPUT: 'true',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
  };
}
