import type { MqttClient } from 'mqtt';
import { explain, MamError } from '../../../base/errors.ts';
import { randomSuffix } from '../../../base/ids.ts';
import type { Log } from '../../../base/log.ts';
import { within } from '../../../base/within.ts';
import { openConnection } from '../../../bus/connection.ts';
import { inboxFilter, inboxTopic, parseInboxTopic } from '../../../bus/topics.ts';
import { Backoff } from './backoff.ts';
import { isKind, type Kind, MAX_PAYLOAD_BYTES } from './messages.ts';
import { SshProcess } from './ssh-process.ts';
import { payloadOf, type Wire, type WireHandlers } from './wire.ts';

/** What may wait for a slow connection, in bytes; more is not sent, and whoever needs it asks again. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const GOODBYE_MS = 300;
/** How long ssh may take to reach the other machine and to agree on keys, in s; and right after a connection was lost. */
const CONNECT_S = 20;
const CONNECT_SOON_S = 5;

export interface SshWireOptions {
  /** The name by which this hub calls the other. */
  name: string;
  /** Destination for ssh. */
  ssh: string;
  /** How mam is called there. */
  mam?: string | undefined;
  realm: string;
  /** This hub's own name. */
  host: string;
  handlers: WireHandlers;
  log: Log;
}

/** An ssh connection to one host: this hub is a client of the embedded broker there. */
export class SshWire implements Wire {
  readonly kind = 'ssh';
  readonly host: string;
  readonly #with: SshWireOptions;
  readonly #backoff = new Backoff();
  #ssh: SshProcess | undefined;
  #client: MqttClient | undefined;
  #isWanted = false;
  #isConnecting = false;
  #why: string | undefined;

  constructor(options: SshWireOptions) {
    this.#with = options;
    this.host = options.name;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  get problem(): string | undefined {
    return this.isUp ? undefined : this.#why;
  }

  /** Connects in the background, and again when the connection is lost, until `stop`; one that waits tries at once. */
  start(): void {
    if (!this.#isWanted) this.#backoff.reset();
    this.#isWanted = true;
    if (this.isUp || this.#isConnecting) return;
    this.#why = undefined;
    this.#backoff.stop();
    void this.#connect();
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  send(to: string, kind: Kind, body: unknown, { jobId }: { jobId?: string; as?: string } = {}): boolean {
    const { realm, host, log } = this.#with;
    const client = this.#client;
    if (client === undefined || client.stream.writableLength > MAX_WAITING_BYTES) return false;
    const payload = payloadOf(to, kind, body, (text) => log.warn(text));
    if (payload === undefined) return false;
    client.publish(inboxTopic(realm, to, host, kind, jobId), payload, { qos: 0 }, () => {});
    return true;
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#why = undefined;
    this.#backoff.stop();
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined)
      await within(
        client.endAsync(false).catch(() => {}),
        GOODBYE_MS,
      );
    await this.#ssh?.end();
  }

  async #connect(): Promise<void> {
    const { name, realm, host, handlers, log } = this.#with;
    this.#isConnecting = true;
    const { isEarly } = this.#backoff;
    const ssh = new SshProcess(this.#with, isEarly ? CONNECT_SOON_S : CONNECT_S);
    this.#ssh = ssh;
    try {
      const client = await openConnection(
        { kind: 'stream', open: () => ssh.stream },
        {
          clientId: `mam-mesh-${host}-${randomSuffix()}`,
          clean: true,
          prepare: (fresh) => fresh.on('message', (topic, payload) => this.#take(topic, payload)),
        },
      );
      client.once('close', () => void this.#lost(ssh, client));
      await client.subscribeAsync(inboxFilter(realm, host), { qos: 0 }).catch((error: unknown) => {
        throw client.connected ? otherRealm(name, realm) : error;
      });
      if (!this.#isWanted || !client.connected) throw new Error('connection closed');
      this.#client = client;
      this.#isConnecting = false;
      this.#why = undefined;
      this.#backoff.reset();
      log.info(`connected with ${name} over ssh`);
      handlers.up(this);
    } catch (error) {
      const end = await ssh.ended();
      this.#why =
        end ??
        (error instanceof MamError ? explain(error) : `The connection over ssh was lost: ${explain(error)}.`);
      await ssh.end();
      this.#isConnecting = false;
      this.#down(ssh.isUnreached);
    }
  }

  async #lost(ssh: SshProcess, client: MqttClient): Promise<void> {
    if (this.#client !== client) return;
    this.#client = undefined;
    const end = await ssh.ended();
    await ssh.end();
    this.#why = end ?? 'The connection over ssh was lost and is being restored.';
    this.#down(true);
  }

  #down(isUnreached: boolean): void {
    if (!this.#isWanted) return;
    const why = this.#why ?? '';
    this.#with.log.warn(`no connection with ${this.#with.name} over ssh: ${why}`);
    this.#with.handlers.down(this, why);
    this.#backoff.next(() => void this.#connect(), isUnreached);
  }

  #take(topic: string, payload: Buffer): void {
    const { realm, host, log } = this.#with;
    const address = parseInboxTopic(realm, topic);
    if (address === undefined || address.to !== host || !isKind(address.kind)) return;
    if (payload.length > MAX_PAYLOAD_BYTES) {
      log.warn(`a message of ${payload.length} bytes from ${address.from} was dropped`);
      return;
    }
    const { from, kind, jobId } = address;
    this.#with.handlers.message({ wire: this, from, to: host, kind, jobId, payload });
  }
}

function otherRealm(name: string, realm: string): MamError {
  const what = `The hub on ${name} is not in the realm ${realm}.`;
  return new MamError(
    'refused',
    what,
    'Set MAM_REALM (`realm` in MAM_HOME/config.json) to the same on both.',
  );
}
