import type { MqttClient } from 'mqtt';
import { explain } from '../../base/errors.ts';
import { within } from '../../base/within.ts';
import { LIMITS } from '../../job/limits.ts';
import type { UrlAddress } from '../address.ts';
import type { BrokerNodes } from '../broker-nodes.ts';
import { openConnection } from '../connection.ts';
import { holdMessages } from '../held-messages.ts';
import type { ExternalHandlers, HubBus } from '../hub-bus.ts';
import { claimFilter, hubReplyTopic, parseClaimTopic, requestTopic, statusTopic } from '../topics.ts';

export interface ExternalOptions {
  nodes: BrokerNodes;
  realm: string;
  host: string;
  /** Its session at the broker, which keeps messages while no hub is connected: the same for every hub of a home. */
  session: string;
  /** When the hub started, ISO 8601: its presence says so, as on the mesh. */
  epoch: string;
  handlers: ExternalHandlers;
}

const GOODBYE_MS = 300;
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 10_000;
/** How many messages are queued while the broker is unreachable; clients can ask for what is left out. */
const MAX_WAITING = 10_000;
/** The same in bytes; it also limits what a slow broker has not acknowledged yet. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

interface Message {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
}

/**
 * Connects a hub to a real broker, with a session that outlives the connection. A claim's PUBACK is sent once its
 * handler has settled, while further claims come in. Reconnects automatically.
 * @throws MamError `unreachable` if the first connection fails; the text contains no secret
 */
export async function connectExternal(options: ExternalOptions): Promise<HubBus> {
  const bus = new ExternalBus(options);
  await bus.start();
  return bus;
}

class ExternalBus implements HubBus {
  readonly #options: ExternalOptions;
  readonly #statusTopic: string;
  readonly #retained = new Map<string, Message>();
  #waiting: Message[] = [];
  #waitingBytes = 0;
  /** What was sent but not acknowledged. */
  #untaken = new Untaken();
  /** Messages of a resumed session wait until the hub has its bus and can answer. */
  readonly #opened: Promise<void>;
  #open: () => void = () => {};
  #client: MqttClient | undefined;
  #stopped = false;
  /** Why reconnecting failed. */
  #why: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delay = MIN_DELAY_MS;

  constructor(options: ExternalOptions) {
    this.#options = options;
    this.#statusTopic = statusTopic(options.realm, options.host);
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  get problem(): string | undefined {
    if (this.#client !== undefined) return undefined;
    return this.#why ?? 'The connection was lost and is being restored.';
  }

  get clients(): number {
    return this.#client === undefined ? 0 : 1;
  }

  async start(): Promise<void> {
    await this.#connect();
    setImmediate(this.#open);
  }

  publish(topic: string, payload: string | Buffer, { retain = false } = {}): void {
    const message = { topic, payload, retain };
    const lasting = retain && payload.length > 0;
    if (lasting) this.#retained.set(topic, message);
    else if (retain) this.#retained.delete(topic);
    const fits = (bytes: number): boolean => bytes + payload.length <= MAX_WAITING_BYTES;
    if (this.#client !== undefined) {
      if (retain || fits(this.#untaken.bytes)) this.#send(this.#client, message);
    } else if (!lasting && this.#waiting.length < MAX_WAITING && fits(this.#waitingBytes)) {
      this.#waiting.push(message);
      this.#waitingBytes += payload.length;
    }
  }

  #send(client: MqttClient, message: Message): void {
    const untaken = this.#untaken;
    const { topic, payload, retain } = message;
    untaken.add(message);
    client.publish(topic, payload, { qos: 1, retain }, (error) => {
      if (!error) untaken.delete(message);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // The broker sends the last will only for a lost connection.
    client.publish(this.#statusTopic, this.#presence(false), { qos: 1, retain: true });
    // With a time limit: MQTT.js waits for acknowledgements that may never come.
    await within(
      client.endAsync(false).catch(() => {}),
      GOODBYE_MS,
    );
    client.end(true);
  }

  async #connect(): Promise<void> {
    if (!this.#retained.has(this.#statusTopic))
      this.publish(this.#statusTopic, this.#presence(true), { retain: true });
    await this.#options.nodes.attempt((address) => this.#connectTo(address));
  }

  async #connectTo(address: UrlAddress): Promise<void> {
    const { realm, host, session } = this.#options;
    if (this.#stopped) return;
    const client = await openConnection(address, {
      clientId: `mam-hub-${session}`,
      clean: false,
      will: { topic: this.#statusTopic, payload: this.#presence(false) },
      prepare: (fresh) => this.#listen(fresh),
    });
    if (this.#stopped) {
      client.end(true);
      return;
    }
    await client
      .subscribeAsync([claimFilter(realm), hubReplyTopic(realm, host)], { qos: 1 })
      .catch((error: unknown) => {
        client.end(true);
        throw error;
      });
    // Earlier versions accepted requests here, and a session keeps its subscriptions.
    client.unsubscribe(requestTopic(realm, host));
    client.once('close', () => this.#lost(client));
    if (!client.connected) throw new Error('connection closed');
    this.#client = client;
    this.#why = undefined;
    this.#untaken = new Untaken();
    this.#delay = MIN_DELAY_MS;
    // A restarted broker may have forgotten its retained messages.
    for (const message of [...this.#waiting, ...this.#retained.values()]) this.#send(client, message);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#options.handlers.clients?.(1);
  }

  #presence(online: boolean): string {
    return JSON.stringify({ online, epoch: this.#options.epoch });
  }

  /** Called before CONNECT: a resumed session delivers its messages right after the CONNACK. */
  #listen(client: MqttClient): void {
    const { realm, host, handlers } = this.#options;
    const answers = hubReplyTopic(realm, host);
    holdMessages(client, (topic, payload, { retain }) => {
      // A retained message would reach every hub at every start.
      if (retain || payload.length > LIMITS.payloadBytes) return undefined;
      if (topic === answers) handlers.answer?.(payload);
      const jobId = parseClaimTopic(realm, topic);
      if (jobId === undefined) return undefined;
      return { settle: () => this.#opened.then(() => handlers.claim(jobId, payload)) };
    });
  }

  #lost(client: MqttClient): void {
    if (this.#client !== client && this.#client !== undefined) return;
    this.#client = undefined;
    // The broker may or may not have them: they may arrive twice, but must not be lost.
    const lost = [...this.#untaken].filter(({ retain, payload }) => !retain || payload.length === 0);
    this.#waiting = [...lost, ...this.#waiting];
    this.#waitingBytes += lost.reduce((bytes, { payload }) => bytes + payload.length, 0);
    client.end(true);
    this.#options.handlers.clients?.(0);
    this.#options.nodes.goOn();
    this.#later();
  }

  #later(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const jitter = 1 + Math.random() / 2;
    const again = (error: unknown): void => {
      this.#why = explain(error);
      this.#later();
    };
    this.#timer = setTimeout(() => void this.#connect().catch(again), this.#delay * jitter);
    this.#delay = longer(this.#delay);
  }
}

/** A set of messages with their total length in bytes. */
class Untaken extends Set<Message> {
  bytes = 0;

  override add(message: Message): this {
    this.bytes += message.payload.length;
    return super.add(message);
  }

  override delete(message: Message): boolean {
    const was = super.delete(message);
    if (was) this.bytes -= message.payload.length;
    return was;
  }
}

function longer(pause: number): number {
  return Math.min(pause * 2, MAX_DELAY_MS);
}
