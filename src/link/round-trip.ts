import type { IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import { MamError } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { parseObject } from '../base/json.ts';
import { limited } from '../base/limited.ts';
import { isClosed, redactUrl, type UrlAddress, unreachable } from '../bus/address.ts';
import { openConnection } from '../bus/connection.ts';
import {
  claimFilter,
  hubReplyTopic,
  inboxFilter,
  inboxTopic,
  realmPrefix,
  statusTopic,
} from '../bus/topics.ts';
import { LIMITS } from '../job/limits.ts';
import { namesInWords } from '../settings/table.ts';

/** How fast a broker passed on a message, and which hubs are online there. */
export interface RoundTrip {
  /** From publication to arrival, in ms. */
  milliseconds: number;
  /** Hosts whose retained status says that their hub is online. */
  online: string[];
}

/** How long to wait for a message to come back, in ms. */
const BACK_MS = 3_000;
/** How long to wait for an answer to MQTT 5 before trying the older protocol, in ms. */
const NEW_MS = 2_500;
/** Reason codes from this value on are refusals. */
const REFUSED = 0x80;

export interface TripOptions {
  realm: string;
  /** The hub's, whose topics are tested. */
  host: string;
  signal: AbortSignal;
  /** True: the topics for programs that are no hubs; false: only the hub's inbox. */
  isPublic: boolean;
  /** Also look for other hubs, which a user need not be allowed to. */
  others?: boolean;
}

/**
 * Tests whether a broker does everything that a hub needs: retained messages, QoS 1, payloads of 64 KiB, and a user who
 * may read and write the realm's topics. It prefers MQTT 5, which gives reasons for refusals; the older protocol gives
 * none. Its messages go to a topic that nobody else reads, and nothing stays on the broker.
 * @throws MamError `unreachable` if there is no connection, or with what the broker does not support
 */
export async function roundTrip(address: UrlAddress, options: TripOptions): Promise<RoundTrip> {
  const { signal } = options;
  const tryVersion = (version: 4 | 5): Promise<RoundTrip> =>
    new Trial({ ...options, address, version }).run();
  try {
    return await tryVersion(5).catch((error: unknown) => {
      if (signal.aborted || !mayBeOld(error)) throw error;
      return tryVersion(4);
    });
  } catch (error) {
    throw error instanceof MamError ? error : unreachable(address, error);
  }
}

/** A broker that does not know MQTT 5 may say so, close the connection, or not answer. */
function mayBeOld(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return isClosed(error) || code === 1 || code === 0x84 || message === 'timeout';
}

interface TrialOptions extends TripOptions {
  address: UrlAddress;
  version: 4 | 5;
}

/** One attempt over one connection. */
class Trial {
  readonly #with: TrialOptions;
  readonly #topic: string;
  readonly #online = new Set<string>();
  readonly #over: Promise<never>;
  #connack: IConnackPacket | undefined;
  #back = (): void => {};
  #end = (): void => {};

  constructor(options: TrialOptions) {
    this.#with = options;
    const { realm, host, isPublic } = options;
    // The only topic that a hub both reads and writes; a running hub ignores what it does not expect there.
    this.#topic = isPublic ? hubReplyTopic(realm, host) : inboxTopic(realm, host, host, 'look');
    this.#over = aborted(options.signal);
  }

  async run(): Promise<RoundTrip> {
    const { realm, host, isPublic, others = false } = this.#with;
    try {
      const client = await this.#connect();
      this.#checkOffer();
      // Not every broker shows a retained message to a subscription with a wildcard.
      const reads = isPublic ? [claimFilter(realm), this.#topic] : [inboxFilter(realm, host)];
      for (const topic of [...reads, statusTopic(realm, host)]) await this.#subscribe(client, topic);
      const start = performance.now();
      await this.#send(client, '{}');
      const milliseconds = performance.now() - start;
      await this.#send(client, 'x'.repeat(LIMITS.payloadBytes));
      // Only the hub writes here and only its clients read; they ignore an empty text.
      if (isPublic) await this.#publish(client, `${statusTopic(realm, host)}/look`, '');
      if (others) await this.#lookAround(client).catch(() => {});
      return { milliseconds, online: [...this.#online] };
    } finally {
      this.#end();
    }
  }

  /** Last, because a broker may end the connection of a user who may not do this. */
  async #lookAround(client: MqttClient): Promise<void> {
    await this.#subscribe(client, `${realmPrefix(this.#with.realm)}hosts/+/status`);
    // When this comes back, the retained messages have arrived.
    await this.#send(client, '{}');
  }

  async #connect(): Promise<MqttClient> {
    const { address, host, signal, version } = this.#with;
    // A broker may recognise its clients by the prefixes of their ids.
    const clientId = `mam-hub-${host}-${randomSuffix()}`;
    const open = (will: boolean) =>
      openConnection(address, {
        ...{ clientId, clean: true, version },
        // It is never sent, but a broker that retains nothing refuses it.
        ...(will && { will: { topic: this.#topic, payload: '' } }),
        prepare: (client) => {
          this.#end = () => client.end(true);
          client.once('connect', (packet) => {
            this.#connack = packet;
          });
          client.on('message', (at, payload, packet) => this.#onMessage(at, payload, packet));
        },
      });
    const opening = open(version === 4);
    opening.catch(() => {});
    // An older broker may not answer MQTT 5 at all.
    const soon = version === 5 ? limited(signal, NEW_MS) : signal;
    try {
      return await Promise.race([opening, aborted(soon)]);
    } catch (error) {
      if (version === 5 || !isClosed(error)) throw error;
      const bare = open(false);
      bare.catch(() => {});
      await Promise.race([bare, this.#over]);
      throw this.#lack('accepts no retained last will at QoS 1', RETAIN);
    }
  }

  /** What the broker says about itself. */
  #checkOffer(): void {
    const { retainAvailable, maximumQoS, maximumPacketSize } = this.#connack?.properties ?? {};
    if (retainAvailable === false) throw this.#lack('keeps no retained messages', RETAIN);
    if (maximumQoS !== undefined && maximumQoS < 1)
      throw this.#lack(`accepts messages at QoS ${maximumQoS} only, so reports could get lost`, QOS);
    if (maximumPacketSize !== undefined && maximumPacketSize < LIMITS.payloadBytes)
      throw this.#lack(`accepts packets of at most ${maximumPacketSize} bytes`, SIZE);
  }

  async #subscribe(client: MqttClient, topic: string): Promise<void> {
    const asked = client.subscribeAsync(topic, { qos: 1 });
    for (const { qos } of await Promise.race([this.#may('read', topic, asked), this.#over])) {
      if (qos >= REFUSED) throw this.#denied('read', topic);
      if (qos < 1) throw this.#lack('delivers messages at QoS 0 only, so reports could get lost', QOS);
    }
  }

  /** Sends a message and waits until it comes back. */
  async #send(client: MqttClient, payload: string): Promise<void> {
    const back = new Promise<void>((resolve) => {
      this.#back = resolve;
    });
    const late = aborted(AbortSignal.timeout(BACK_MS));
    try {
      await this.#publish(client, this.#topic, payload);
      await Promise.race([back, late, closed(client), this.#over]);
    } catch (error) {
      if (error instanceof MamError) throw error;
      if (payload.length > 2) throw this.#lack(`does not pass on a message of ${payload.length} bytes`, SIZE);
      if (!client.connected) throw error;
      throw this.#lack('accepts a message but does not pass it on', this.#rights);
    }
  }

  async #publish(client: MqttClient, topic: string, payload: string): Promise<void> {
    const sent = this.#may('write', topic, client.publishAsync(topic, payload, { qos: 1 }));
    await Promise.race([sent, closed(client), this.#over]);
  }

  #onMessage(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    if (topic === this.#topic) this.#back();
    else if (retain && topic.endsWith('/status') && parseObject(payload.toString())['online'] === true)
      this.#online.add(topic.split('/').at(-2) ?? '');
  }

  #lack(what: string, remedy: string): MamError {
    const where = redactUrl(this.#with.address.url);
    return new MamError('unreachable', `The MQTT broker ${where} ${what}.`, remedy);
  }

  /** The broker's answer. @throws MamError if the user is not allowed to do this */
  async #may<T>(how: 'read' | 'write', topic: string, answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      const { code } = error as { code?: unknown };
      throw typeof code === 'number' && code >= REFUSED ? this.#denied(how, topic, error) : error;
    });
  }

  #denied(how: 'read' | 'write', topic: string, error?: unknown): MamError {
    const said = error instanceof Error ? /: ([A-Z][A-Za-z ]{2,40})$/.exec(error.message)?.[1] : undefined;
    const why = said === undefined ? '' : ` ("${said}")`;
    return this.#lack(`does not let this user ${how} ${topic}${why}`, this.#rights);
  }

  get #rights(): string {
    if (!this.#with.isPublic)
      return `Give the user of ${namesInWords('brokerUsername')}, who must be named as this host, the rules that \`mam hosts acl\` prints.`;
    const topics = `${realmPrefix(this.#with.realm)}#`;
    return `Give the user of ${namesInWords('brokerUsername')} the right to read and write ${topics} (Mosquitto's acl_file: topic readwrite ${topics}).`;
  }
}

const RETAIN = 'Enable them (Mosquitto: retain_available true, max_qos 1 or 2), or use another broker.';
const QOS = 'Enable QoS 1 (Mosquitto: max_qos 1 or 2), or use another broker.';
const SIZE = `A hub sends up to ${LIMITS.payloadBytes} bytes at once: raise the limit (Mosquitto: max_packet_size and message_size_limit).`;

function aborted(signal: AbortSignal): Promise<never> {
  return rejecting((reject) => {
    const give = (): void => reject(new Error('timeout'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

function closed(client: MqttClient): Promise<never> {
  return rejecting((reject) => client.once('close', () => reject(new Error('connection closed'))));
}

/** A promise that only rejects, and that need not be awaited. */
function rejecting(arm: (reject: (error: Error) => void) => void): Promise<never> {
  const end = new Promise<never>((_, reject) => arm(reject));
  end.catch(() => {});
  return end;
}
