import { readFileSync } from 'node:fs';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Broker } from './broker.ts';
import { OUTSIDE } from './network.ts';
import { passwordOf } from './passwords.ts';

/** A message that a client saw. */
export interface Seen {
  topic: string;
  text: string;
  retain: boolean;
}

export interface RawOptions {
  /** The node of a cluster that it joins. */
  node?: number;
  /** Another user than the broker knows, or another password. */
  password?: string;
  /** More options of MQTT.js, such as a will. */
  mqtt?: IClientOptions;
}

/**
 * Any program on a broker: says and hears what it likes, as far as it is let. It keeps all that it hears. It does not
 * connect again, so that a broker that throws it out is seen.
 */
export class RawClient {
  readonly client: MqttClient;
  readonly seen: Seen[] = [];

  private constructor(client: MqttClient) {
    this.client = client;
    client.on('error', () => {});
    client.on('message', (topic, payload, { retain }) =>
      this.seen.push({ topic, text: payload.toString(), retain }),
    );
  }

  /**
   * Joins from the test's own process, which is never cut off; it ends with the hosts.
   * @param user whose name and password it has; absent: nobody's
   * @throws if the broker does not let it in
   */
  static async join(broker: Broker, user?: string, options: RawOptions = {}): Promise<RawClient> {
    const urls = (await broker.url(OUTSIDE)).split(',');
    const client = mqtt.connect(urls[options.node ?? 0] ?? '', optionsOf(broker, user, options));
    const raw = new RawClient(client);
    try {
      await new Promise<void>((done, fail) => {
        client.once('connect', () => done());
        client.once('error', fail);
        client.once('close', () => fail(new Error('the broker closed the connection')));
      });
    } catch (error) {
      await raw.end();
      throw error;
    }
    broker.onEnd(() => raw.end());
    return raw;
  }

  get isConnected(): boolean {
    return this.client.connected;
  }

  /** Says something; at QoS 1, returns once it is acknowledged, or the connection is closed. */
  async say(topic: string, body: object | string, { retain = false, qos = 1 as 0 | 1 } = {}): Promise<void> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    await this.#orClosed(this.client.publishAsync(topic, text, { qos, retain }));
  }

  /** Asks to hear something. @returns whether the broker says that it may */
  async hear(filter: string, qos: 0 | 1 = 1): Promise<boolean> {
    const asked = this.client.subscribeAsync(filter, { qos }).catch(() => []);
    const granted = (await this.#orClosed(asked)) ?? [];
    return granted.length > 0 && granted.every((one) => one.qos < 128);
  }

  /** The texts that it heard on topics which end so. */
  on(end: string): string[] {
    return this.seen.filter(({ topic }) => topic.endsWith(end)).map(({ text }) => text);
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }

  /** Cuts its connection as a crash does: its will is published. */
  crash(): void {
    this.client.stream.destroy();
  }

  async #orClosed<T>(step: Promise<T>): Promise<T | undefined> {
    if (!this.client.connected) return undefined;
    let isClosed = () => {};
    const closed = new Promise<undefined>((done) => {
      isClosed = () => done(undefined);
      this.client.once('close', isClosed);
    });
    try {
      return await Promise.race([step, closed]);
    } finally {
      this.client.off('close', isClosed);
    }
  }
}

/** A client that keeps all that it may hear of a realm. */
export async function recorder(broker: Broker, user?: string, filter = 'mam/v1/#'): Promise<RawClient> {
  const client = await RawClient.join(broker, user);
  await client.hear(filter);
  return client;
}

function optionsOf(broker: Broker, user: string | undefined, options: RawOptions): IClientOptions {
  const known: IClientOptions = { reconnectPeriod: 0, ...options.mqtt };
  if (broker.tls !== false) known.ca = readFileSync(broker.ca);
  if (user === undefined) return known;
  if (broker.tls === 'certificate') {
    const { certificate, key } = broker.client(user);
    return { ...known, cert: readFileSync(certificate), key: readFileSync(key) };
  }
  return { ...known, username: user, password: options.password ?? passwordOf(user) };
}
