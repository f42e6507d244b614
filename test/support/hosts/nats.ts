import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { Daemon } from './daemon.ts';
import type { Hosts } from './hosts.ts';
import { BROKER_HOST } from './network.ts';

const PROGRAM = '/usr/sbin/nats-server';
/** Why there is no NATS here; undefined if there is one. */
export const NO_NATS = existsSync(PROGRAM)
  ? undefined
  : `${PROGRAM} is missing: install Debian's nats-server`;

/** The ports of one node: for MQTT, for NATS's own clients, for the other nodes. */
interface Ports {
  mqtt: number;
  own: number;
  route: number;
}

/** NATS, alone (it starts in 0.1 s) or as a cluster (3 s until its nodes have chosen a leader). */
export class NatsBroker extends Broker {
  readonly kind = 'nats';

  /** Makes its files; `start` starts it. */
  static async make(hosts: Hosts, options: BrokerOptions = {}): Promise<NatsBroker> {
    const ports: Ports[] = [];
    for (let n = 0; n < (options.nodes ?? 1); n++)
      ports.push({ mqtt: await freePort(), own: await freePort(), route: await freePort() });
    return new NatsBroker(hosts, ports, options);
  }

  private constructor(hosts: Hosts, ports: Ports[], options: BrokerOptions) {
    super(hosts, `nats-${ports[0]?.mqtt}`, options);
    const certificate = this.tls === false ? undefined : this.serverCertificate();
    for (const [index, own] of ports.entries()) {
      this.ports.push(own.mqtt);
      const name = `node${index + 1}`;
      const folder = join(this.folder, name);
      this.write(folder, (_, text) => this.#changed(text, name, own, ports));
      if (certificate !== undefined) {
        mkdirSync(join(folder, 'nats'));
        copyFileSync(certificate.certificate, join(folder, 'nats/server.pem'));
        copyFileSync(certificate.key, join(folder, 'nats/server.key'));
      }
      const words = [PROGRAM, '-c', join(folder, 'nats-server.conf')];
      const isReady = () => hosts.net.listens(BROKER_HOST, own.mqtt);
      this.nodes.push(new Daemon(hosts, { host: BROKER_HOST, name, words, isReady }));
    }
  }

  protected async wipe(node: string): Promise<void> {
    rmSync(join(this.folder, node, 'store'), { recursive: true, force: true });
  }

  /** What a user changes in the file for other ports, other folders and more nodes. */
  #changed(text: string, name: string, ports: Ports, all: Ports[]): string {
    const { open = false, acl = true, more = [] } = this.options;
    let changed = text
      .replace('server_name: mam', `server_name: ${name}`)
      .replace('127.0.0.1:4222', `127.0.0.1:${ports.own}`)
      .replace('port: 8883', `port: ${ports.mqtt}`)
      .replace('/var/lib/nats', join(this.folder, name, 'store'));
    if (this.tls === false) changed = changed.replace(/^ {2}tls .*\n/m, '');
    if (open) changed = changed.replace(/^authorization [\s\S]*/m, '');
    else if (!acl) changed = changed.replaceAll(/, permissions: \{[^}]*\}/g, '');
    const routes = all.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(', ');
    const cluster = `cluster { name: mam, listen: "127.0.0.1:${ports.route}", routes: [${routes}] }\n`;
    return [changed, ...(all.length > 1 ? [cluster] : []), ...more.map((line) => `${line}\n`)].join('');
  }
}
