import { isDeepStrictEqual } from 'node:util';
import type { MqttClient } from 'mqtt';
import { explain, MamError } from '../../../base/errors.ts';
import { randomSuffix } from '../../../base/ids.ts';
import { parseJson } from '../../../base/json.ts';
import type { Log } from '../../../base/log.ts';
import { within } from '../../../base/within.ts';
import { redactUrl, type UrlAddress } from '../../../bus/address.ts';
import { BrokerNodes } from '../../../bus/broker-nodes.ts';
import { openConnection } from '../../../bus/connection.ts';
import { externalAddresses } from '../../../bus/hub-address.ts';
import { Pulse } from '../../../bus/pulse.ts';
import { inboxFilter, inboxTopic, parseInboxTopic, statusTopic } from '../../../bus/topics.ts';
import type { BrokerSettings } from '../../../settings/broker-settings.ts';
import { namesInWords } from '../../../settings/table.ts';
import { Backoff, isFew } from './backoff.ts';
import {
  type Hello,
  type HostStatus,
  isKind,
  type Kind,
  MAX_PAYLOAD_BYTES,
  statusSchema,
} from './messages.ts';
import { OneName } from './one-name.ts';
import { payloadOf, type Wire, type WireHandlers } from './wire.ts';

/** How long the hub's own message may take to come back, in ms. */
const BACK_MS = 10_000;
/** How long another hub of the same name has to answer, if the broker says that there is one, in ms. */
const TAKEN_MS = 2_000;
/** When a hub whose name is taken looks again, in ms. */
const LOOK_AGAIN_MS = 30_000;
/** The shortest pause before the hub says again that it is online, in ms: a mistaken one must not become a storm. */
const AGAIN_MS = 1_000;
/** The same while another hub says so too, which is asked first. */
const CONTESTED_MS = 3_000;
/** What may wait for a slow broker, in bytes; more is not sent, and whoever needs it asks again. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const GOODBYE_MS = 300;
/**
 * How long an attempt to reach the broker may take, in ms: after a link was down, a new attempt gets through sooner than the
 * next packet of an old one, whose pauses double.
 */
const REACH_MS = 2_000;
/** How often the connection is asked for a sign of life while nothing is under way, or where there are many hosts, in ms. */
const SLOW_BEAT_MS = 10_000;
/** The broker's answers to a login that will be no other next time: protocol, client id, user, permission. */
const REFUSALS: readonly unknown[] = [1, 2, 4, 5];

export interface BrokerWireOptions {
  broker: BrokerSettings;
  realm: string;
  host: string;
  /** When the hub started. */
  epoch: string;
  /** What the hub says about itself. */
  status: () => HostStatus;
  /** A hello of this hub's, without `reply` and `echo`. */
  hello: () => Omit<Hello, 'reply'>;
  /** Whether jobs are open: then a lost connection is to be noticed soon. */
  isBusy: () => boolean;
  /** How many hosts there are: many must not reconnect at once. */
  peers: () => number;
  handlers: WireHandlers;
  log: Log;
}

/** Why a hub is not on the broker. */
export type BrokerState = 'joined' | 'away' | 'name_taken';

/**
 * The broker that hubs share. It joins by itself, again and again, and never disturbs anything else. Everything is said and
 * heard at QoS 0: whatever is lost is asked for again, and a cluster of NATS that has lost a node was seen to let a client
 * wait for 65 s after its first message at QoS 1.
 */
export class BrokerWire implements Wire {
  readonly kind = 'broker';
  readonly #with: BrokerWireOptions;
  readonly #backoff: Backoff;
  readonly #name: OneName;
  readonly #pulse: Pulse;
  /**
   * By the URL of a node, the same at each connection: the node ends one that it still believes in, and publishes its will,
   * right at the next. RabbitMQ lets nobody in at another node whose session is at one that has died.
   */
  readonly #clientIds = new Map<string, string>();
  /** It was joined before, with the same rights. */
  #hasJoined = false;
  #nodes: BrokerNodes | undefined;
  /** The connection, from before it is joined. */
  #open: MqttClient | undefined;
  #isJoined = false;
  #isStopped = false;
  #isTaken = false;
  /** Absent while it is being joined for the first time. */
  #why: string | undefined;
  /** The last attempt has reached a broker, which refused it. */
  #isRefused = false;
  #watched: ReadonlySet<string> = new Set();
  /** What the broker keeps as this hub's presence. */
  #ownStatus: HostStatus | undefined;
  #again: NodeJS.Timeout | undefined;
  /** Sees a message before anybody else does; true if it was meant for it. */
  intercept: ((from: string, kind: string, payload: Buffer) => boolean) | undefined;

  constructor(options: BrokerWireOptions) {
    this.#with = options;
    this.#backoff = new Backoff(options.peers);
    this.#pulse = new Pulse(() => (options.isBusy() && isFew(options.peers()) ? undefined : SLOW_BEAT_MS));
    this.#name = new OneName({
      epoch: options.epoch,
      say: (more) => this.#sayToOwnName(more),
      taken: () => this.#leave(),
    });
  }

  get isUp(): boolean {
    return this.#isJoined;
  }

  get problem(): string | undefined {
    return this.#isJoined ? undefined : this.#why;
  }

  get state(): BrokerState {
    if (this.#isJoined) return 'joined';
    return this.#isTaken ? 'name_taken' : 'away';
  }

  /** The node that is in use. */
  get address(): UrlAddress | undefined {
    return this.#nodes?.current;
  }

  /** Joins in the background. */
  start(): void {
    void this.#join();
  }

  /** Whose presence is followed, besides the hub's own. */
  watch(hosts: ReadonlySet<string>): void {
    const [added, dropped] = [minus(hosts, this.#watched), minus(this.#watched, hosts)];
    this.#watched = hosts;
    const client = this.#open;
    if (!this.#isJoined || client === undefined) return;
    if (dropped.length > 0) client.unsubscribe(this.#statusTopics(dropped));
    if (added.length > 0) this.#follow(client, added);
  }

  send(
    to: string,
    kind: Kind,
    body: unknown,
    { jobId }: { jobId?: string | undefined; as?: string } = {},
  ): boolean {
    const { log, realm, host } = this.#with;
    if (!this.#isJoined) return false;
    const payload = payloadOf(to, kind, body, (text) => log.warn(text));
    return payload !== undefined && this.#publish(inboxTopic(realm, to, host, kind, jobId), payload);
  }

  /** Says anew how the hub is: for everybody who watches it. */
  sayStatus(): void {
    const { realm, host, status } = this.#with;
    if (!this.#isJoined) return;
    this.#open?.publish(statusTopic(realm, host), JSON.stringify(status()), { qos: 0, retain: true });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#backoff.stop();
    await this.#goodbye();
  }

  async #join(): Promise<void> {
    if (this.#isStopped) return;
    this.#isRefused = false;
    try {
      this.#nodes ??= new BrokerNodes(externalAddresses(this.#with.broker));
      await this.#nodes.attempt((address) => this.#joinAt(address));
    } catch (error) {
      if (this.#isStopped || this.#isTaken) return;
      const why = explain(error);
      if (why !== this.#why) this.#with.log.warn(`the broker is not joined: ${why}`);
      this.#why = why;
      this.#later(!this.#isRefused);
    }
  }

  #clientIdAt({ url }: UrlAddress): string {
    const known = this.#clientIds.get(url) ?? `mam-mesh-${this.#with.host}-${randomSuffix()}`;
    this.#clientIds.set(url, known);
    return known;
  }

  async #joinAt(address: UrlAddress): Promise<void> {
    const { realm, host, epoch, log } = this.#with;
    if (this.#isStopped || this.#isTaken) return;
    const topic = statusTopic(realm, host);
    const client = await openConnection(address, {
      clientId: this.#clientIdAt(address),
      clean: true,
      ...(isFew(this.#with.peers()) && { reachMs: REACH_MS }),
      will: { topic, payload: JSON.stringify({ online: false, epoch }), qos: 0 },
      prepare: (fresh) => fresh.on('message', (at, payload, { retain }) => this.#take(at, payload, retain)),
    }).catch((error: unknown) => {
      this.#isRefused = REFUSALS.includes((error as { code?: unknown }).code);
      throw error;
    });
    try {
      if (this.#isStopped) throw new Error('connection closed');
      this.#pulse.watch(client);
      this.#ownStatus = undefined;
      this.#open = client;
      await client.subscribeAsync([topic, inboxFilter(realm, host)], { qos: 0 }).catch((error: unknown) => {
        throw client.connected ? this.#noRights(address) : error;
      });
      await this.#checkName(client, address);
      // It left while the name was checked, or the hub ends.
      if (this.#open !== client) return;
      if (!client.connected) throw new Error('connection closed');
    } catch (error) {
      if (this.#open === client) this.#open = undefined;
      client.end(true);
      throw error;
    }
    this.#isJoined = true;
    this.#why = undefined;
    this.#hasJoined = true;
    this.#backoff.connected();
    client.once('close', () => this.#lost(client));
    if (this.#watched.size > 0) this.#follow(client, [...this.#watched]);
    log.info(`joined other hubs on the broker ${redactUrl(address.url)} as ${host}`);
    this.#with.handlers.up(this);
    // Last: what is kept stops a cluster of NATS that has lost a node for up to 8 s, and nothing overtakes it there.
    if (!isDeepStrictEqual(this.#ownStatus, this.#with.status())) this.sayStatus();
  }

  #follow(client: MqttClient, hosts: readonly string[]): void {
    client.subscribe(this.#statusTopics(hosts), { qos: 0 }, () => {});
  }

  /** @returns once it is known that no other hub of this name lives, or that none has answered */
  async #checkName(client: MqttClient, address: UrlAddress): Promise<void> {
    const closed = new Promise<never>((_, reject) => {
      client.once('close', () => reject(new Error('connection closed')));
    });
    closed.catch(() => {});
    const took = await Promise.race([within(this.#name.ask(), BACK_MS), closed]);
    if (took === undefined) throw this.#noRights(address);
    // What the broker kept has come by now.
    const { online = false, epoch } = this.#ownStatus ?? {};
    if (online && epoch !== this.#with.epoch)
      await Promise.race([within(new Promise(() => {}), TAKEN_MS + 10 * took), closed]).catch(() => {});
  }

  #noRights({ url }: UrlAddress): MamError {
    const { host } = this.#with;
    // A cluster that has lost a node may stand still for a while: it did deliver before.
    this.#isRefused = !this.#hasJoined;
    const what = `The MQTT broker ${redactUrl(url)} does not deliver what ${host} sends to itself.`;
    const hint = `Its user (\`broker_username\`, or the name in the client certificate) must be called ${host} and have the permissions that \`mam hosts acl\` prints.`;
    return new MamError('unreachable', what, hint);
  }

  #sayToOwnName(more: Pick<Hello, 'reply' | 'echo'>): string {
    const { realm, host, hello } = this.#with;
    const body = { ...hello(), ...more };
    this.#publish(inboxTopic(realm, host, host, 'hello'), JSON.stringify(body));
    return body.now;
  }

  #publish(topic: string, payload: string): boolean {
    const client = this.#open;
    if (client?.connected !== true || client.stream.writableLength > MAX_WAITING_BYTES) return false;
    client.publish(topic, payload, { qos: 0 }, () => {});
    return true;
  }

  #take(topic: string, payload: Buffer, retain: boolean): void {
    const { realm, host, log, handlers } = this.#with;
    if (payload.length > MAX_PAYLOAD_BYTES) {
      log.warn(`a message of ${payload.length} bytes from the broker was dropped`);
      return;
    }
    const address = parseInboxTopic(realm, topic);
    if (address === undefined) this.#takeStatus(topic, payload);
    // A retained message would come at every connection.
    else if (!retain && address.to === host) {
      const { from, kind, jobId } = address;
      if (this.intercept?.(from, kind, payload) === true) return;
      if (from === host && kind === 'hello') this.#name.take(payload);
      else if (this.#isJoined && from !== host && isKind(kind))
        handlers.message({ wire: this, from, to: host, kind, jobId, payload });
    }
  }

  #takeStatus(topic: string, payload: Buffer): void {
    const { realm, host, handlers } = this.#with;
    const { data: status } = statusSchema.safeParse(parseJson(payload.toString()));
    if (topic === statusTopic(realm, host)) this.#takeOwnStatus(status);
    else if (status !== undefined && this.#isJoined) {
      const of = [...this.#watched].find((one) => topic === statusTopic(realm, one));
      if (of !== undefined) handlers.status(this, of, status);
    }
  }

  /** @param status undefined if it can't be read */
  #takeOwnStatus(status: HostStatus | undefined): void {
    const { epoch } = this.#with;
    this.#ownStatus = status;
    if (!this.#isJoined || (status?.online === true && status.epoch === epoch)) return;
    // The will of a hub that died comes late, or another hub says that it is online.
    const isContested = status?.online === true;
    if (isContested) this.#name.askAgain();
    this.#again ??= setTimeout(
      () => {
        this.#again = undefined;
        const { online, epoch: now } = this.#ownStatus ?? {};
        if (online !== true || now !== epoch) this.sayStatus();
      },
      isContested ? CONTESTED_MS : AGAIN_MS,
    ).unref();
  }

  /** Another hub has the name: this one stays off, and looks again from time to time. */
  #leave(): void {
    const { host, log } = this.#with;
    if (this.#isStopped || this.#open === undefined) return;
    this.#why = `Another hub is called ${host}. Set ${namesInWords('host')} to another name on one of the two, and run \`mam hub restart\` there.`;
    log.warn(this.#why);
    const wasJoined = this.#isJoined;
    this.#isTaken = true;
    void this.#goodbye(false);
    this.#backoff.after(LOOK_AGAIN_MS, () => {
      this.#isTaken = false;
      void this.#join();
    });
    if (wasJoined) this.#with.handlers.down(this, this.#why);
  }

  #lost(client: MqttClient): void {
    client.end(true);
    if (this.#open !== client) return;
    this.#open = undefined;
    this.#isJoined = false;
    this.#why = 'The connection was lost and is being restored.';
    this.#nodes?.goOn();
    this.#with.log.warn('the connection to the broker of other hubs was lost');
    this.#with.handlers.down(this, this.#why);
    this.#later(true);
  }

  #later(isUnreached: boolean): void {
    this.#backoff.next(() => void this.#join(), isUnreached);
  }

  /** Ends the connection without its last will. @param says that the hub is offline: not for one whose name is taken */
  async #goodbye(says = true): Promise<void> {
    const { realm, host, epoch } = this.#with;
    clearTimeout(this.#again);
    this.#again = undefined;
    const client = this.#open;
    const wasJoined = this.#isJoined;
    this.#open = undefined;
    this.#isJoined = false;
    if (client === undefined) return;
    if (says && wasJoined) {
      const offline = JSON.stringify({ online: false, epoch });
      client.publish(statusTopic(realm, host), offline, { qos: 0, retain: true }, () => {});
    }
    // With a time limit: MQTT.js waits for acknowledgements that may never come.
    await within(
      client.endAsync(false).catch(() => {}),
      GOODBYE_MS,
    );
    client.end(true);
  }

  #statusTopics(hosts: readonly string[]): string[] {
    return hosts.map((one) => statusTopic(this.#with.realm, one));
  }
}

function minus(these: ReadonlySet<string>, those: ReadonlySet<string>): string[] {
  return [...these].filter((one) => !those.has(one));
}
