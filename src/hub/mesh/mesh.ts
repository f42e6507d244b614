import { statSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import type { HubBus } from '../../bus/hub-bus.ts';
import type { InboxAddress } from '../../bus/topics.ts';
import type { MeshStatus } from '../../operations/hosts.ts';
import { PROTOCOL_VERSION } from '../../operations/request.ts';
import { hostsNow, type Settings } from '../../settings/config.ts';
import { type Hosts, staysUp } from '../../settings/hosts-config.ts';
import { Access } from './access.ts';
import { allowedTo } from './allowed.ts';
import { Directory } from './directory.ts';
import { type Present, present } from './present.ts';
import { Senders } from './senders.ts';
import { BrokerWire } from './wire/broker-wire.ts';
import { ClaimSession } from './wire/claim-session.ts';
import {
  type AskAnswer,
  answerSchema,
  type Digest,
  digestSchema,
  type Hello,
  type HostStatus,
  type Kind,
  MESH_VERSION,
} from './wire/messages.ts';
import { SocketWire } from './wire/socket-wire.ts';
import { SshWires } from './wire/ssh-wires.ts';
import type { MeshMessage, Wire, WireHandlers } from './wire/wire.ts';

/** How often the broker is told how many jobs are open, in ticks of a second, if that has changed. */
const STATUS_TICKS = 60;
/** What a host may also send where it is not asked itself. */
const ASKING: readonly Kind[] = ['hello', 'ask', 'claim'];
/** How many unknown senders are named in the log. */
const MAX_STRANGERS = 1_000;

/** Who takes what other hubs send; a kind that nobody takes is dropped. */
export interface Receivers {
  ask(message: MeshMessage): void;
  answer(from: string, answer: AskAnswer): void;
  feed(from: string, jobId: string, feed: unknown): void;
  digest(from: string, digest: Digest): void;
  /** Rejects if it can't be taken now, but may be later. */
  claim(message: MeshMessage): Promise<void>;
}

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

/** What this hub says to others, and what they say to it. */
export class Mesh {
  readonly directory: Directory;
  readonly access: Access;
  /** Set once, before `start`. */
  receivers: Partial<Receivers> = {};
  readonly #with: MeshOptions;
  readonly #socket: SocketWire;
  readonly #handlers: WireHandlers;
  readonly #senders: Senders;
  readonly #strangers = new Set<string>();
  readonly #ssh: SshWires;
  #broker: BrokerWire | undefined;
  #claims: ClaimSession | undefined;
  #hosts: Hosts;
  /** The state of the user's file when its hosts were read. */
  #file = '';
  #isRunning = false;
  #ticks = 0;
  #saidJobs = 0;

  constructor(options: MeshOptions) {
    const { settings, log, bus } = options;
    const { realm, host } = settings;
    this.#with = options;
    this.#hosts = settings.hosts;
    this.#handlers = {
      message: (message) => this.#take(message),
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
      mayAsk: () => Object.values(this.#hosts).some(({ may }) => may !== undefined),
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
    this.access = new Access({
      ...{ directory: this.directory, wireTo, open },
      readHosts: () => this.directory.configure(this.#readHosts()),
    });
  }

  start(): void {
    this.#isRunning = true;
    this.#readHosts();
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
    if (this.#readHosts() !== this.directory.named) this.#configure();
    this.directory.tick();
    this.#ssh.closeIdle((name) => this.directory.isAwaited(name));
    if (++this.#ticks % STATUS_TICKS !== 0 || this.#saidJobs === this.#with.openJobs()) return;
    this.#broker?.sayStatus();
  }

  /** @returns undefined while no other machine is configured */
  status(): MeshStatus | undefined {
    const named = Object.keys(this.#hosts);
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

  /** The hosts of the user's file as it is now; those that were read last if it can't be used. */
  #readHosts(): Hosts {
    const { home } = this.#with.settings;
    const stat = statSync(join(home, 'config.json'), { throwIfNoEntry: false });
    const file = stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    if (file === this.#file) return this.#hosts;
    this.#file = file;
    try {
      this.#hosts = hostsNow(home);
    } catch (error) {
      this.#with.log.warn(`hosts was not read again: ${explain(error)}`);
    }
    return this.#hosts;
  }

  #configure(): void {
    const { settings, log, epoch, session } = this.#with;
    const { broker, realm, host } = settings;
    const hosts = this.#hosts;
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
        peers: () => Object.keys(this.#hosts).length,
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
    return this.#hosts[name]?.ssh === undefined ? this.#broker : this.#ssh.get(name);
  }

  #hello(to: string, over: Wire['kind']): Omit<Hello, 'reply'> {
    return {
      v: MESH_VERSION,
      epoch: this.#with.epoch,
      now: new Date().toISOString(),
      protocol: PROTOCOL_VERSION,
      version: VERSION,
      may: allowedTo(this.#readHosts()[to]?.may, over === 'socket'),
    };
  }

  #status(): HostStatus {
    this.#saidJobs = this.#with.openJobs();
    const { epoch } = this.#with;
    return { online: true, epoch, version: VERSION, protocol: PROTOCOL_VERSION, open_jobs: this.#saidJobs };
  }

  /** A report that came over the session for these. */
  async #takeClaim(from: string, jobId: string, payload: Buffer): Promise<void> {
    const wire = this.#broker;
    if (wire === undefined) return;
    const message: MeshMessage = {
      ...{ wire, from, jobId, payload },
      ...{ to: this.#with.settings.host, kind: 'claim' },
    };
    if (this.#isFromKnown(message)) await this.receivers.claim?.(message);
  }

  #take(message: MeshMessage): void {
    const { wire, from, kind } = message;
    // It comes over the session of its own as well.
    if (kind === 'claim' && wire.kind === 'broker') return;
    try {
      if (!this.#isFromKnown(message)) return;
      this.directory.heard(message);
      this.#dispatch(message);
    } catch (error) {
      this.#with.log.error(`a message (${kind}) of ${from} was dropped`, error);
    }
  }

  #dispatch(message: MeshMessage): void {
    const { from, kind, jobId, payload } = message;
    const { ask, answer, feed, digest, claim } = this.receivers;
    const body = parseJson(payload.toString());
    const answered = kind === 'answer' ? answerSchema.safeParse(body).data : undefined;
    const told = kind === 'digest' ? digestSchema.safeParse(body).data : undefined;
    if (kind === 'hello') this.directory.takeHello(message);
    else if (kind === 'ask') ask?.(message);
    else if (kind === 'claim')
      claim?.(message).catch((error) => this.#with.log.error(`a report of ${from} was not taken`, error));
    else if (kind === 'feed' && jobId !== undefined) feed?.(from, jobId, body);
    else if (answered !== undefined) answer?.(from, answered);
    else if (told !== undefined) digest?.(from, told);
    else this.#with.log.warn(`a message (${kind}) of ${from} can't be read and was dropped`);
  }

  /** Over the broker only hosts that are named count, over ssh only the one at its end; over the socket everybody. */
  #isFromKnown({ wire, from, kind }: MeshMessage): boolean {
    if (wire.kind === 'socket') return true;
    const isItsWay = ASKING.includes(kind) || !this.directory.isBeside(from, wire);
    const isKnown = wire.kind === 'ssh' ? from === wire.host : isItsWay && this.directory.isKnown(from);
    if (isKnown || this.#strangers.has(from) || this.#strangers.size >= MAX_STRANGERS) return isKnown;
    this.#strangers.add(from);
    this.#with.log.warn(
      isItsWay
        ? `${from} has sent something (${kind}), but hosts does not name it: it is not answered`
        : `something (${kind}) came over the broker in the name of ${from}, which is reached over ssh: it was dropped`,
    );
    return false;
  }
}
