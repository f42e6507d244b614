import type { Log } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import type { HubBus } from '../../bus/hub-bus.ts';
import type { InboxAddress } from '../../bus/topics.ts';
import type { MeshStatus } from '../../operations/hosts.ts';
import { PROTOCOL_VERSION } from '../../operations/request.ts';
import type { Settings } from '../../settings/config.ts';
import { staysUp } from '../../settings/hosts-config.ts';
import { Access } from './access.ts';
import { allowedTo } from './allowed.ts';
import { Directory } from './directory.ts';
import { type Present, present } from './present.ts';
import { Reception } from './reception.ts';
import { Senders } from './senders.ts';
import { UserHosts } from './user-hosts.ts';
import { BrokerWire } from './wire/broker-wire.ts';
import { ClaimSession } from './wire/claim-session.ts';
import { type Hello, type HostStatus, MESH_VERSION } from './wire/messages.ts';
import { SocketWire } from './wire/socket-wire.ts';
import { SshWires } from './wire/ssh-wires.ts';
import type { Wire, WireHandlers } from './wire/wire.ts';

/** How often the broker is told how many jobs are open, in ticks of a second, if that has changed. */
const STATUS_TICKS = 60;

export interface MeshOptions {
  settings: Settings;
  log: Log;
  /** When the hub started, ISO 8601. */
  epoch: string;
  /** Names this home's session at the broker: the same for every hub of the home, and known to no one else. */
  session: string;
  /** The hub's embedded broker, once it runs. */
  bus: () => HubBus | undefined;
  openJobs: () => number;
}

/** This hub among others: its ways to them, opened and closed as the settings say, and what it says of itself. */
export class Mesh {
  readonly directory: Directory;
  readonly access: Access;
  readonly reception: Reception;
  readonly #with: MeshOptions;
  readonly #socket: SocketWire;
  readonly #handlers: WireHandlers;
  readonly #senders: Senders;
  readonly #ssh: SshWires;
  #broker: BrokerWire | undefined;
  #claims: ClaimSession | undefined;
  readonly #hosts: UserHosts;
  #isRunning = false;
  #ticks = 0;
  #saidJobs = 0;

  constructor(options: MeshOptions) {
    const { settings, log, bus } = options;
    const { realm, host } = settings;
    this.#with = options;
    this.#hosts = new UserHosts(settings, log);
    this.#handlers = {
      message: (message) => this.reception.take(message),
      up: (wire) => {
        if (wire === this.#broker) {
          this.#senders.test(this.#broker);
          this.#claims?.start();
        }
        this.directory.wireUp(wire);
      },
      down: (wire) => this.directory.wireDown(wire),
      status: (wire, name, status) => this.directory.status(wire, name, status),
      gone: (wire, name) => this.directory.gone(wire, name),
    };
    this.#senders = new Senders({
      ...{ realm, host, log, trustsRealm: settings.trustRealm },
      mayAsk: () => Object.values(this.#hosts.last).some(({ may }) => may !== undefined),
    });
    this.#socket = new SocketWire({
      ...{ realm, host, bus },
      handlers: this.#handlers,
      warn: (text) => log.warn(text),
    });
    this.#ssh = new SshWires({ realm, host, log, handlers: this.#handlers });
    const wireTo = (name: string): Wire | undefined => this.#wireTo(name);
    const open = (name: string): Wire | undefined => this.#ssh.open(name) ?? this.#wireTo(name);
    this.directory = new Directory({
      ...{ host, log },
      graceSeconds: settings.hostGraceSeconds,
      hello: (to, over) => this.#hello(to, over),
      ways: { wireTo, open, watch: (names) => this.#broker?.watch(names) },
      onChange: () => this.access.changed(),
    });
    this.reception = new Reception(this.directory, log);
    this.access = new Access({
      ...{ directory: this.directory, wireTo, open },
      readHosts: () => this.directory.configure(this.#hosts.read()),
    });
  }

  start(): void {
    this.#isRunning = true;
    this.#hosts.read();
    this.#configure();
  }

  /** A message of a client of the hub's own socket. */
  takeInbox(address: InboxAddress, payload: Buffer, client: string): void {
    this.#socket.take(address, payload, client);
  }

  /** A client of the hub's own socket has left. */
  left(client: string): void {
    this.#socket.left(client);
  }

  /** True while other hubs may need this one over the broker, where they can't start it. */
  get isAwaited(): boolean {
    return this.#broker !== undefined;
  }

  /** Whether nobody on the broker can send under another name; undefined while that is being tested. */
  get areSendersProven(): boolean | undefined {
    return this.#senders.areProven;
  }

  /** Settles when that test has ended, whatever it has shown. */
  sendersKnown(): Promise<void> {
    return this.#senders.known();
  }

  /** Every hub that the broker knows in this realm; none without a broker. */
  present(): Promise<Present[]> {
    return this.#broker === undefined ? Promise.resolve([]) : present(this.#broker, this.#with.settings);
  }

  /** Runs every second. */
  tick(): void {
    if (!this.#isRunning) return;
    if (this.#hosts.read() !== this.directory.named) this.#configure();
    this.directory.tick();
    this.#ssh.closeIdle((name) => this.directory.isAwaited(name));
    if (++this.#ticks % STATUS_TICKS !== 0 || this.#saidJobs === this.#with.openJobs()) return;
    this.#broker?.sayStatus();
  }

  /** @returns undefined while no other machine is configured */
  status(): MeshStatus | undefined {
    const named = Object.keys(this.#hosts.last);
    if (named.length === 0) return undefined;
    const online = named.filter((name) => this.directory.get(name)?.online === true).length;
    const { state, problem } = this.#broker ?? {};
    const senders = this.#senders.shown;
    const broker = state && {
      ...{ state, ...(problem !== undefined && { problem }), ...(senders !== undefined && { senders }) },
    };
    return { host: this.#with.settings.host, hosts: named.length, online, ...(broker && { broker }) };
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.directory.stop();
    await Promise.allSettled([
      this.#claims?.stop(),
      this.#broker?.stop(),
      this.#ssh.stop(),
      this.#socket.stop(),
    ]);
  }

  #configure(): void {
    const { settings, log, epoch, session } = this.#with;
    const { broker, realm, host } = settings;
    const hosts = this.#hosts.last;
    const senders = Object.keys(hosts).filter((name) => hosts[name]?.ssh === undefined);
    this.#ssh.configure(hosts);
    const wants = staysUp({ broker, hosts });
    if (wants && broker !== undefined && this.#broker === undefined) {
      const handlers = this.#handlers;
      this.#broker = new BrokerWire({
        ...{ broker, realm, host, epoch, handlers, log },
        status: () => this.#status(),
        hello: () => this.#hello(host, 'broker'),
        isBusy: () => this.directory.isWatching || this.#with.openJobs() > 0,
        peers: () => Object.keys(this.#hosts.last).length,
      });
      this.#claims = new ClaimSession({
        ...{ broker, realm, host, session, log },
        take: (from, jobId, payload) => this.#takeClaim(from, jobId, payload),
      });
      this.#broker.start();
    } else if (!wants && this.#broker !== undefined) {
      const [old, claims] = [this.#broker, this.#claims];
      this.#broker = undefined;
      this.#claims = undefined;
      this.directory.wireDown(old);
      void old.stop();
      claims?.listenTo([]);
      void claims?.stop();
    }
    this.#claims?.listenTo(senders);
    this.directory.configure(hosts);
  }

  #wireTo(name: string): Wire | undefined {
    return this.#hosts.last[name]?.ssh === undefined ? this.#broker : this.#ssh.get(name);
  }

  #hello(to: string, over: Wire['kind']): Omit<Hello, 'reply'> {
    return {
      v: MESH_VERSION,
      epoch: this.#with.epoch,
      now: new Date().toISOString(),
      protocol: PROTOCOL_VERSION,
      version: VERSION,
      may: allowedTo(this.#hosts.read()[to]?.may, over === 'socket'),
    };
  }

  #status(): HostStatus {
    this.#saidJobs = this.#with.openJobs();
    const { epoch } = this.#with;
    return { online: true, epoch, version: VERSION, protocol: PROTOCOL_VERSION, open_jobs: this.#saidJobs };
  }

  async #takeClaim(from: string, jobId: string, payload: Buffer): Promise<void> {
    const [wire, to] = [this.#broker, this.#with.settings.host];
    if (wire !== undefined) await this.reception.takeClaim({ wire, from, to, kind: 'claim', jobId, payload });
  }
}
