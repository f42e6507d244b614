import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aclFor, type BrokerKind } from '../../../src/cli/hosts/acl.ts';
import type { MayConfig } from '../../../src/settings/hosts-config.ts';
import { PATIENCE, until } from '../until.ts';
import { Authority, type Certificate } from './certificates.ts';
import type { Daemon } from './daemon.ts';
import type { HostLab } from './host-lab.ts';
import type { Hosts } from './hosts.ts';
import { BROKER_HOST } from './network.ts';
import { fillIn, passwordOf } from './passwords.ts';
import { RawClient } from './raw-client.ts';

/** How long a broker may take to start, in ms: a RabbitMQ alone takes 10 s on two busy cores, a cluster 30 s. */
export const START_MS = 90_000 * PATIENCE;

export interface BrokerOptions {
  /** Encrypts; with `certificate`, clients show one of their own instead of a password. Absent: no TLS. */
  tls?: boolean | 'certificate';
  /** Anybody may do anything, without a name. */
  open?: boolean;
  /** Who is known, with a password; absent: the hosts. */
  users?: readonly string[];
  /** False: whoever is known may do anything. */
  acl?: boolean;
  realm?: string;
  /** How many nodes, for a cluster. */
  nodes?: number;
  /** More lines of its configuration. */
  more?: readonly string[];
}

/** A real broker of a test, on the host `broker`, with the files that `mam hosts acl` prints. */
export abstract class Broker {
  abstract readonly kind: BrokerKind;
  readonly folder: string;
  readonly nodes: Daemon[] = [];
  readonly users: readonly string[];
  readonly tls: boolean | 'certificate';
  /** For MQTT, one per node. */
  protected readonly ports: number[] = [];
  protected readonly hosts: Hosts;
  protected readonly options: BrokerOptions;
  readonly #authority: Authority | undefined;
  readonly #clients = new Map<string, Certificate>();

  constructor(hosts: Hosts, name: string, options: BrokerOptions) {
    this.hosts = hosts;
    this.options = options;
    this.folder = join(hosts.folder, name);
    mkdirSync(this.folder);
    this.users = options.users ?? hosts.names;
    this.tls = options.tls ?? false;
    if (this.tls !== false) this.#authority = new Authority(join(this.folder, 'ca'));
    // Not `stop`: one that is still starting may not hear.
    hosts.onEnd(() => this.kill());
  }

  /** The file with which clients check the broker's certificate. @throws without `tls` */
  get ca(): string {
    return this.#ca.file;
  }

  /** Its addresses, without user and password, as a program on this host sees them: a comma list for a cluster. */
  async url(from: string): Promise<string> {
    const reached = this.ports.map((port) => this.hosts.reach(from, BROKER_HOST, port));
    const scheme = this.tls === false ? 'mqtt' : 'mqtts';
    return (await Promise.all(reached))
      .map(({ address, port }) => `${scheme}://${address}:${port}`)
      .join(',');
  }

  /** The settings of a program on this host. @param user absent: the host's own name */
  async env(from: string, user = from): Promise<Record<string, string>> {
    const env: Record<string, string> = { MAM_BROKER_URL: await this.url(from) };
    if (this.tls !== false) env['MAM_BROKER_CA'] = this.ca;
    else if (this.hosts.net.kind === 'namespaces') env['MAM_BROKER_PLAIN'] = '1';
    if (this.tls === 'certificate') {
      const { certificate, key } = this.client(user);
      Object.assign(env, { MAM_BROKER_CERT: certificate, MAM_BROKER_KEY: key });
    } else if (this.options.open !== true)
      Object.assign(env, { MAM_BROKER_USERNAME: user, MAM_BROKER_PASSWORD: passwordOf(user) });
    if (this.options.realm !== undefined) env['MAM_REALM'] = this.options.realm;
    return env;
  }

  /**
   * Gives each host its way here, and names the others to it.
   * @param may what a host lets each other one do @param more names that are no hosts of the test
   */
  async introduce(may: (lab: HostLab) => Partial<MayConfig>, more: object = {}): Promise<void> {
    for (const name of this.hosts.names) {
      const lab = this.hosts.lab(name);
      lab.more = await this.env(name);
      const others = this.hosts.names.filter((one) => one !== name);
      const named = Object.fromEntries(others.map((one) => [one, { may: may(lab) }]));
      lab.configure({ hosts: { ...named, ...more } });
    }
  }

  /** A user's certificate. @throws without `tls` */
  client(user: string): Certificate {
    const known = this.#clients.get(user) ?? this.#ca.client(user);
    this.#clients.set(user, known);
    return known;
  }

  /** Does this before the hosts end. */
  onEnd(cleaner: () => unknown): void {
    this.hosts.onEnd(cleaner);
  }

  /** Starts it, and waits until each node takes clients. */
  async start(): Promise<void> {
    await this.#start(this.nodes);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Ends it as a crash does: one node, or all. */
  async kill(node?: number): Promise<void> {
    await Promise.all(this.#chosen(node).map((one) => one.kill()));
  }

  /** Kills it and starts it again: one node, or all. @param options.empty with nothing of what it kept on disk */
  async restart(node?: number, options: { empty?: boolean } = {}): Promise<void> {
    await this.kill(node);
    if (options.empty === true) for (const one of this.#chosen(node)) await this.wipe(one.name);
    await this.#start(this.#chosen(node));
  }

  /** Starts these nodes. */
  protected async startNodes(nodes: Daemon[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.start()));
  }

  /** Removes what a node keeps on disk. */
  protected abstract wipe(node: string): Promise<void>;

  /** Its connections stay, and nothing answers. */
  freeze(node?: number): void {
    for (const one of this.#chosen(node)) one.freeze();
  }

  thaw(node?: number): void {
    for (const one of this.#chosen(node)) one.thaw();
  }

  /** The files for users, at their place below a folder instead of `/etc`, with passwords. @returns the folder */
  protected write(folder: string, change: (file: string, text: string) => string): string {
    const { realm = 'default' } = this.options;
    for (const { file, text } of aclFor(this.kind, realm, this.users)) {
      const path = file.replace(/^\/etc/, folder);
      mkdirSync(dirname(path), { recursive: true });
      const filled = fillIn(text.replaceAll('/etc/', `${folder}/`));
      writeFileSync(path, change(file, filled));
    }
    return folder;
  }

  /** The server's own certificate, for each address by which a client may know it. */
  protected serverCertificate(): Certificate {
    return this.#ca.server('server', ['127.0.0.1', this.hosts.net.address(BROKER_HOST)]);
  }

  get #ca(): Authority {
    if (this.#authority === undefined) throw new Error('this broker has no certificates');
    return this.#authority;
  }

  async #start(nodes: Daemon[]): Promise<void> {
    await this.startNodes(nodes);
    const [user] = this.users;
    if (user === undefined && this.options.open !== true) return;
    // A port that listens is not enough: a cluster first chooses a leader, a database is read.
    for (const node of nodes) {
      const joined = async () => {
        const client = await RawClient.join(this, user, { node: this.nodes.indexOf(node) });
        await client.end();
        return true;
      };
      await until(`${node.name} takes clients`, joined, START_MS);
    }
  }

  #chosen(node: number | undefined): Daemon[] {
    return node === undefined ? this.nodes : this.nodes.slice(node, node + 1);
  }
}
