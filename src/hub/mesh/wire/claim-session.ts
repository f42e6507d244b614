import type { MqttClient } from 'mqtt';
import { explain } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { within } from '../../../base/within.ts';
import type { UrlAddress } from '../../../bus/address.ts';
import { BrokerNodes } from '../../../bus/broker-nodes.ts';
import { openConnection } from '../../../bus/connection.ts';
import { type HeldMessage, holdMessages } from '../../../bus/held-messages.ts';
import { externalAddresses } from '../../../bus/hub-address.ts';
import { inboxClaimFilter, parseInboxTopic } from '../../../bus/topics.ts';
import type { BrokerSettings } from '../../../settings/broker-settings.ts';
import { Backoff } from './backoff.ts';
import { MAX_PAYLOAD_BYTES } from './messages.ts';

const GOODBYE_MS = 300;

/**
 * The hub's session at the broker for reports alone, which outlives its connections: what a program says at QoS 1 while no
 * hub is there is delivered later. A report is acknowledged once it is settled. It is a connection of its own, since the
 * broker would otherwise keep everything that other hubs say to one that is away.
 */
export class ClaimSession {
  readonly #with;
  readonly #backoff = new Backoff(() => this.#from.size);
  #nodes: BrokerNodes | undefined;
  #client: MqttClient | undefined;
  #isJoining = false;
  #isStopped = false;
  /** Whose reports are listened for. */
  #from: ReadonlySet<string> = new Set();

  constructor(parts: {
    broker: BrokerSettings;
    realm: string;
    host: string;
    /** The same for every hub of a home, and known to no one else. */
    session: string;
    log: Log;
    /** Rejects for a report that must be taken again later. */
    take: (from: string, jobId: string, payload: Buffer) => Promise<void>;
  }) {
    this.#with = parts;
  }

  /** Joins in the background. Called whenever the broker can be reached. */
  start(): void {
    if (this.#client === undefined) void this.#join();
  }

  /** Whose reports are taken from now on: each by a filter without `+`. */
  listenTo(hosts: readonly string[]): void {
    const before = this.#from;
    this.#from = new Set(hosts);
    if (this.#client !== undefined) this.#change(this.#client, before);
  }

  /** Ends the connection; the session stays. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#backoff.stop();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // With a time limit: MQTT.js waits for acknowledgements that may never come.
    await within(
      client.endAsync(false).catch(() => {}),
      GOODBYE_MS,
    );
    client.end(true);
  }

  async #join(): Promise<void> {
    this.#backoff.stop();
    if (this.#isStopped || this.#isJoining) return;
    this.#isJoining = true;
    try {
      this.#nodes ??= new BrokerNodes(externalAddresses(this.#with.broker));
      await this.#nodes.attempt((address) => this.#joinAt(address));
      this.#backoff.connected();
    } catch (error) {
      if (this.#isStopped) return;
      this.#with.log.warn(`reports from the broker are not heard now: ${explain(error)}`);
      this.#again();
    } finally {
      this.#isJoining = false;
    }
  }

  async #joinAt(address: UrlAddress): Promise<void> {
    if (this.#isStopped) return;
    const client = await openConnection(address, {
      clientId: `mam-claims-${this.#with.session}`,
      clean: false,
      // A resumed session delivers its messages right after the CONNACK.
      prepare: (fresh) =>
        holdMessages(fresh, (topic, payload, { qos, retain }) => this.#held(topic, payload, qos, retain)),
    });
    const from = this.#from;
    try {
      if (from.size > 0) await client.subscribeAsync(this.#filters(from), { qos: 1 });
      if (this.#isStopped || !client.connected) throw new Error('connection closed');
    } catch (error) {
      client.end(true);
      throw error;
    }
    this.#client = client;
    this.#change(client, from);
    client.once('close', () => this.#lost(client));
  }

  /** @param before whose reports it listens for */
  #change(client: MqttClient, before: ReadonlySet<string>): void {
    const dropped = [...before].filter((name) => !this.#from.has(name));
    const added = [...this.#from].filter((name) => !before.has(name));
    if (dropped.length > 0) client.unsubscribe(this.#filters(dropped));
    if (added.length > 0) client.subscribe(this.#filters(added), { qos: 1 }, () => {});
  }

  #held(topic: string, payload: Buffer, qos: number, retain: boolean): HeldMessage | undefined {
    const { realm, host, take } = this.#with;
    const { to, from = '', kind, jobId } = parseInboxTopic(realm, topic) ?? {};
    const isReport = to === host && kind === 'claim' && jobId !== undefined;
    // A retained message would come at every connection.
    if (retain || payload.length > MAX_PAYLOAD_BYTES || !isReport) return undefined;
    const taken = () => take(from, jobId, payload);
    // Whoever says it at QoS 0 says it again until it is answered.
    return { turn: jobId, settle: qos > 0 ? taken : () => taken().catch(() => {}) };
  }

  #lost(client: MqttClient): void {
    client.end(true);
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#nodes?.goOn();
    this.#again();
  }

  #again(): void {
    this.#backoff.next(() => void this.#join(), false);
  }

  #filters(hosts: Iterable<string>): string[] {
    const { realm, host } = this.#with;
    return [...hosts].map((from) => inboxClaimFilter(realm, host, from));
  }
}
