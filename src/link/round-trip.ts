import type { IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import { MamError } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { type BrokerAddress, isClosed, redactUrl, unreachable } from '../bus/address.ts';
import { openConnection } from '../bus/connection.ts';
import { claimFilter, hubReplyTopic, realmPrefix, statusTopic } from '../bus/topics.ts';
import { LIMITS } from '../job/limits.ts';

type Url = BrokerAddress & { kind: 'url' };

/** What a broker did with a message, and which hubs it says are there. */
export interface RoundTrip {
  /** From the publish to its arrival, in ms. */
  milliseconds: number;
  /** The hosts whose retained status says that their hub is online. */
  online: string[];
}

/** A message that has not come back after this time, in ms, does not come. */
const BACK_MS = 3_000;
/** An answer to MQTT 5 is waited for so long, in ms, before the older protocol is tried. */
const NEW_MS = 2_500;
/** Reason codes from here on are refusals. */
const REFUSED = 0x80;

/**
 * Tries whether a broker does all that a hub needs of it: retained messages, QoS 1, payloads of 64 KiB, and a user who
 * may read and write the realm's topics. It speaks MQTT 5 where the broker does, which says why it refuses something;
 * the older protocol only has silence for that. What is sent goes to a topic that nobody else hears, and nothing stays.
 * @param host the hub's, whose topics are tried
 * @param signal ends it
 * @throws MamError `unreachable` when there is no connection, or with what the broker does not do
 */
export async function roundTrip(
  address: Url,
  realm: string,
  host: string,
  signal: AbortSignal,
): Promise<RoundTrip> {
  try {
    return await new Trial(address, realm, host, signal, 5).run();
  } catch (error) {
    // One that does not know MQTT 5 may say so, or just close the connection.
    if (signal.aborted || !(isClosed(error) || isOldVersion(error) || isSilent(error)))
      throw known(address, error);
  }
  try {
    return await new Trial(address, realm, host, signal, 4).run();
  } catch (error) {
    throw known(address, error);
  }
}

function known(address: Url, error: unknown): MamError {
  return error instanceof MamError ? error : unreachable(address, error);
}

function isOldVersion(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 1 || code === 0x84;
}

function isSilent(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout';
}

/** One try over one connection. */
class Trial {
  readonly #address: Url;
  readonly #realm: string;
  readonly #host: string;
  readonly #version: 4 | 5;
  readonly #clientId: string;
  readonly #topic: string;
  readonly #online: string[] = [];
  readonly #signal: AbortSignal;
  readonly #over: Promise<never>;
  #connack: IConnackPacket | undefined;
  #back = (): void => {};
  #end = (): void => {};

  constructor(address: Url, realm: string, host: string, signal: AbortSignal, version: 4 | 5) {
    this.#address = address;
    this.#realm = realm;
    this.#host = host;
    this.#version = version;
    // A broker may know its clients by how their names begin.
    this.#clientId = `mam-hub-${host}-${randomSuffix()}`;
    // The only one that a hub both reads and writes; a hub that runs passes over what is no answer.
    this.#topic = hubReplyTopic(realm, host);
    this.#signal = signal;
    this.#over = aborted(signal);
  }

  async run(): Promise<RoundTrip> {
    try {
      const client = await this.#connect();
      this.#checkOffer();
      for (const topic of [claimFilter(this.#realm), this.#topic]) await this.#subscribe(client, topic);
      // Of other hubs only the doctor tells: a user who may not see them is none the worse.
      await this.#subscribe(client, `${realmPrefix(this.#realm)}hosts/+/status`).catch(() => {});
      const start = performance.now();
      await this.#send(client, '{}');
      const milliseconds = performance.now() - start;
      await this.#send(client, 'x'.repeat(LIMITS.payloadBytes));
      // Written by the hub alone, and never read but by its clients: an empty text says nothing.
      await this.#publish(client, `${statusTopic(this.#realm, this.#host)}/look`, '');
      return { milliseconds, online: this.#online };
    } finally {
      this.#end();
    }
  }

  async #connect(): Promise<MqttClient> {
    const open = (will: boolean) =>
      openConnection(this.#address, {
        clientId: this.#clientId,
        clean: true,
        version: this.#version,
        // It never speaks: a broker that keeps nothing refuses it all the same.
        ...(will && { will: { topic: this.#topic, payload: '' } }),
        prepare: (client) => {
          this.#end = () => client.end(true);
          client.once('connect', (packet) => {
            this.#connack = packet;
          });
          client.on('message', (at, payload, packet) => this.#take(at, payload, packet));
        },
      });
    const opening = open(this.#version === 4);
    opening.catch(() => {});
    // An older broker may keep silent about MQTT 5.
    const soon =
      this.#version === 5 ? AbortSignal.any([this.#signal, AbortSignal.timeout(NEW_MS)]) : this.#signal;
    try {
      return await Promise.race([opening, aborted(soon)]);
    } catch (error) {
      if (this.#version === 5 || !isClosed(error)) throw error;
      const bare = open(false);
      bare.catch(() => {});
      await Promise.race([bare, this.#over]);
      throw this.#lack('takes no last will that is retained at QoS 1', RETAIN);
    }
  }

  /** What the broker says of itself. */
  #checkOffer(): void {
    const { retainAvailable, maximumQoS, maximumPacketSize } = this.#connack?.properties ?? {};
    if (retainAvailable === false) throw this.#lack('keeps no retained messages', RETAIN);
    if (maximumQoS !== undefined && maximumQoS < 1)
      throw this.#lack(`takes messages at QoS ${maximumQoS} only, so that reports could get lost`, QOS);
    if (maximumPacketSize !== undefined && maximumPacketSize < LIMITS.payloadBytes)
      throw this.#lack(`takes packets of ${maximumPacketSize} bytes at most`, SIZE);
  }

  async #subscribe(client: MqttClient, topic: string): Promise<void> {
    const granted = await Promise.race([
      client.subscribeAsync(topic, { qos: 1 }).catch((error: unknown) => {
        if (codeOf(error) !== undefined) throw this.#denied('read', topic, error);
        throw error;
      }),
      this.#over,
    ]);
    for (const { qos } of granted) {
      if (qos >= REFUSED) throw this.#denied('read', topic, undefined);
      if (qos < 1) throw this.#lack('gives messages at QoS 0 only, so that reports could get lost', QOS);
    }
  }

  /** There and back. */
  async #send(client: MqttClient, payload: string): Promise<void> {
    const back = new Promise<void>((resolve) => {
      this.#back = resolve;
    });
    const isLong = payload.length > 2;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), BACK_MS);
    try {
      await this.#publish(client, this.#topic, payload);
      await Promise.race([back, aborted(late.signal), closed(client), this.#over]);
    } catch (error) {
      if (error instanceof MamError) throw error;
      if (isLong) throw this.#lack(`does not pass on a message of ${payload.length} bytes`, SIZE);
      if (!client.connected) throw error;
      const topics = `${realmPrefix(this.#realm)}#`;
      throw this.#lack('takes a message and does not give it back', rights(topics));
    } finally {
      clearTimeout(timer);
    }
  }

  async #publish(client: MqttClient, topic: string, payload: string): Promise<void> {
    const sent = client.publishAsync(topic, payload, { qos: 1 }).catch((error: unknown) => {
      if (codeOf(error) !== undefined) throw this.#denied('write', topic, error);
      throw error;
    });
    await Promise.race([sent, closed(client), this.#over]);
  }

  #take(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    if (topic === this.#topic) this.#back();
    else if (retain && topic.endsWith('/status') && isOnline(payload))
      this.#online.push(topic.split('/').at(-2) ?? '');
  }

  #lack(what: string, remedy: string): MamError {
    return new MamError('unreachable', `The MQTT broker ${redactUrl(this.#address.url)} ${what}.`, remedy);
  }

  #denied(how: 'read' | 'write', topic: string, error: unknown): MamError {
    const said = error instanceof Error ? /: ([A-Z][A-Za-z ]{2,40})$/.exec(error.message)?.[1] : undefined;
    const why = said === undefined ? '' : ` ("${said}")`;
    return this.#lack(`does not let this user ${how} ${topic}${why}`, rights(`${realmPrefix(this.#realm)}#`));
  }
}

const RETAIN = 'Let it keep them (Mosquitto: retain_available true, max_qos 1 or 2), or use another broker.';
const QOS = 'Let it take QoS 1 (Mosquitto: max_qos 1 or 2), or use another broker.';
const SIZE = `A hub sends up to ${LIMITS.payloadBytes} bytes at once: raise the limit (Mosquitto: max_packet_size and message_size_limit).`;
const rights = (topics: string): string =>
  `Give the user of MAM_BROKER_USERNAME the right to read and write ${topics} (Mosquitto's acl_file: topic readwrite ${topics}).`;

/** The reason code of a refusal. */
function codeOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' && code >= REFUSED ? code : undefined;
}

/** Rejects when the time is up. */
function aborted(signal: AbortSignal): Promise<never> {
  const over = new Promise<never>((_, reject) => {
    const give = (): void => reject(new Error('timeout'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  over.catch(() => {});
  return over;
}

/** Rejects when the connection is lost. */
function closed(client: MqttClient): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    client.once('close', () => reject(new Error('connection closed')));
  });
  lost.catch(() => {});
  return lost;
}

function isOnline(payload: Buffer): boolean {
  return orElse(() => (JSON.parse(payload.toString()) as { online?: unknown }).online === true, false);
}
