import type { MqttClient } from 'mqtt';
import { MamError } from '../../base/errors.ts';
import { LIMITS } from '../../job/limits.ts';
import { type BrokerAddress, unreachable } from '../address.ts';
import { openConnection } from '../connection.ts';
import type { ExternalHandlers, HubBus } from '../hub-bus.ts';
import { claimFilter, hubReplyTopic, parseClaimTopic, requestTopic, statusTopic } from '../topics.ts';
import { gateAcks } from './ack-gate.ts';

export interface ExternalOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM text of the certificate authority. */
  ca?: string | undefined;
  realm: string;
  host: string;
  /** Of its session at the broker, which keeps what comes while the hub is away: the same for every hub of a home. */
  session: string;
  handlers: ExternalHandlers;
}

const ONLINE = JSON.stringify({ online: true });
const OFFLINE = JSON.stringify({ online: false });
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 10_000;
/** How long after it could not be kept a claim is tried again at first, in ms. */
const AGAIN_MS = 300;
/** What is published while the broker is away and sent when it is back; the log can be asked for what is more. */
const MAX_WAITING = 10_000;
/** The same in bytes, also for what a slow broker has not taken yet. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

interface Waiting {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
}

/**
 * Connects a hub to a real broker, with a session that outlives the connection. A claim's PUBACK leaves when its
 * handler has settled, while further claims come in. Comes back by itself after a loss.
 * @throws MamError `unreachable` when the first connection fails; the text holds no secret
 */
export async function connectExternal(options: ExternalOptions): Promise<HubBus> {
  const bus = new ExternalBus(options);
  await bus.start();
  return bus;
}

class ExternalBus implements HubBus {
  readonly #options: ExternalOptions;
  readonly #address: BrokerAddress;
  readonly #statusTopic: string;
  readonly #retained = new Map<string, Waiting>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** What its connection has been given and not acknowledged. */
  #untaken = new Untaken();
  /** What a resumed session delivers at once waits until the hub has its bus and can answer. */
  readonly #opened: Promise<void>;
  #open: () => void = () => {};
  #client: MqttClient | undefined;
  #stopped = false;
  /** Why the connection could not be made again. */
  #why: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delay = MIN_DELAY_MS;

  constructor(options: ExternalOptions) {
    const { url, username, password, ca } = options;
    this.#options = options;
    this.#address = { kind: 'url', url, username, password, ca };
    this.#statusTopic = statusTopic(options.realm, options.host);
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  get problem(): string | undefined {
    return this.#client === undefined
      ? (this.#why ?? 'The connection was lost, and is made again.')
      : undefined;
  }

  get clients(): number {
    return this.#client === undefined ? 0 : 1;
  }

  async start(): Promise<void> {
    try {
      await this.#connect();
      setImmediate(this.#open);
    } catch (error) {
      throw error instanceof MamError ? error : unreachable(this.#address, error);
    }
  }

  publish(topic: string, payload: string | Buffer, { retain = false } = {}): void {
    const message = { topic, payload, retain };
    const lasting = retain && payload.length > 0;
    if (lasting) this.#retained.set(topic, message);
    else if (retain) this.#retained.delete(topic);
    const bytes = payload.length;
    if (this.#client !== undefined) {
      if (!retain && this.#untaken.bytes + bytes > MAX_WAITING_BYTES) return;
      this.#send(this.#client, message);
    } else if (
      !lasting &&
      this.#waiting.length < MAX_WAITING &&
      this.#waitingBytes + bytes <= MAX_WAITING_BYTES
    ) {
      this.#waiting.push(message);
      this.#waitingBytes += bytes;
    }
  }

  #send(client: MqttClient, message: Waiting): void {
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
    // Without a lost connection the last will does not speak.
    client.publish(this.#statusTopic, OFFLINE, { qos: 1, retain: true });
    await end(client);
  }

  async #connect(): Promise<void> {
    const { realm, host, session } = this.#options;
    if (!this.#retained.has(this.#statusTopic)) this.publish(this.#statusTopic, ONLINE, { retain: true });
    const client = await openConnection(this.#address, {
      clientId: `mam-hub-${session}`,
      clean: false,
      will: { topic: this.#statusTopic, payload: OFFLINE },
      prepare: (fresh) => this.#listen(fresh),
    });
    if (this.#stopped) {
      client.end(true);
      return;
    }
    await subscribe(client, [claimFilter(realm), hubReplyTopic(realm, host)]);
    // Earlier versions heard requests here, and a session keeps its subscriptions.
    client.unsubscribe(requestTopic(realm, host));
    client.once('close', () => this.#lost(client));
    if (!client.connected) throw new Error('connection closed');
    this.#client = client;
    this.#why = undefined;
    this.#untaken = new Untaken();
    this.#delay = MIN_DELAY_MS;
    // A broker that was restarted may have forgotten what it retained.
    for (const message of [...this.#waiting, ...this.#retained.values()]) this.#send(client, message);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#options.handlers.clients?.(1);
  }

  /** Before CONNECT: a session that is resumed delivers its messages right behind the CONNACK. */
  #listen(client: MqttClient): void {
    const { realm, host, handlers } = this.#options;
    const answers = hubReplyTopic(realm, host);
    const held = new Set<number>();
    const release = gateAcks(client, (messageId) => held.has(messageId));
    client.on('message', (topic, payload, { qos, messageId, retain }) => {
      // What a broker has kept comes again to every hub, at every start.
      if (retain || payload.length > LIMITS.payloadBytes) return;
      if (topic === answers) handlers.answer?.(payload);
      const jobId = parseClaimTopic(realm, topic);
      if (jobId === undefined) return;
      if (qos > 0 && messageId !== undefined) held.add(messageId);
      const settle = async (pause: number): Promise<void> => {
        try {
          await this.#opened;
          await handlers.claim(jobId, payload);
          if (messageId !== undefined && held.delete(messageId)) release(messageId);
        } catch {
          // Leaving would have the broker deliver it again, and cut off all others each time. What is lost with its
          // connection comes again with the next one.
          setTimeout(() => client.connected && void settle(longer(pause)), pause).unref();
        }
      };
      void settle(AGAIN_MS);
    });
  }

  #lost(client: MqttClient): void {
    if (this.#client !== client && this.#client !== undefined) return;
    this.#client = undefined;
    // Whether the broker has them nobody knows: they may come twice, and must not come never.
    const lost = [...this.#untaken].filter(({ retain, payload }) => !retain || payload.length === 0);
    this.#waiting = [...lost, ...this.#waiting];
    this.#waitingBytes += lost.reduce((bytes, { payload }) => bytes + payload.length, 0);
    client.end(true);
    this.#options.handlers.clients?.(0);
    this.#later();
  }

  #later(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const jitter = 1 + Math.random() / 2;
    const again = (error: unknown): void => {
      this.#why = unreachable(this.#address, error).text;
      this.#later();
    };
    this.#timer = setTimeout(() => void this.#connect().catch(again), this.#delay * jitter);
    this.#delay = longer(this.#delay);
  }
}

/** Messages, and how long they are together. */
class Untaken extends Set<Waiting> {
  bytes = 0;

  override add(message: Waiting): this {
    this.bytes += message.payload.length;
    return super.add(message);
  }

  override delete(message: Waiting): boolean {
    const was = super.delete(message);
    if (was) this.bytes -= message.payload.length;
    return was;
  }
}

function longer(pause: number): number {
  return Math.min(pause * 2, MAX_DELAY_MS);
}

async function subscribe(client: MqttClient, topics: string[]): Promise<void> {
  try {
    await client.subscribeAsync(topics, { qos: 1 });
  } catch (error) {
    client.end(true);
    throw error;
  }
}

/** Says good-bye, but not for long: MQTT.js waits for acknowledgements that may never come. */
async function end(client: MqttClient): Promise<void> {
  const patience = 300;
  await Promise.race([
    client.endAsync(false).catch(() => {}),
    // Not unref'd: with nothing else left to wait for, the process would end in the middle of this.
    new Promise((resolve) => setTimeout(resolve, patience)),
  ]);
  client.end(true);
}
