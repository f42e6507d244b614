import type { MqttClient } from 'mqtt';
import { explain, MamError } from '../../../base/errors.ts';
import { randomSuffix } from '../../../base/ids.ts';
import type { Log } from '../../../base/log.ts';
import { within } from '../../../base/within.ts';
import { openConnection } from '../../../bus/connection.ts';
import { Pulse } from '../../../bus/pulse.ts';
import { inboxFilter, inboxTopic, parseInboxTopic } from '../../../bus/topics.ts';
import { Backoff } from './backoff.ts';
import { isKind, type Kind, MAX_PAYLOAD_BYTES } from './messages.ts';
import { SshProcess } from './ssh-process.ts';
import { payloadOf, type Wire, type WireHandlers } from './wire.ts';

/** What may wait for a slow connection, in bytes; more is not sent, and whoever needs it asks again. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const GOODBYE_MS = 300;
/**
 * After a loss, an attempt that hangs for this long (ms) gets another one beside it: the pauses of the kernel double, so that
 * it would notice late that the link is back.
 */
const BESIDE_MS = 1_200;
/** The same as a multiple of the time that the last connection took: whatever gets through must not be ended for a new one. */
const BESIDE_TIMES = 1.5;

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

/** A connection that is there. */
interface Opened {
  ssh: SshProcess;
  client: MqttClient;
}

/** An attempt to connect. */
interface Attempt {
  ssh: SshProcess;
  /** @throws whatever has failed */
  opened: Promise<Opened>;
}

/** An ssh connection to one host: this hub is a client of the embedded broker there. */
export class SshWire implements Wire {
  readonly kind = 'ssh';
  readonly host: string;
  readonly #with: SshWireOptions;
  readonly #backoff = new Backoff();
  readonly #pulse = new Pulse();
  /** The process of the connection, and those of attempts. */
  readonly #processes = new Set<SshProcess>();
  /** How long the last connection took to be there, in ms; undefined before the first one. */
  #took: number | undefined;
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

  send(
    to: string,
    kind: Kind,
    body: unknown,
    { jobId }: { jobId?: string | undefined; as?: string } = {},
  ): boolean {
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
    await Promise.all([...this.#processes].map((ssh) => this.#end(ssh)));
  }

  async #connect(): Promise<void> {
    // Somebody may have needed it while the end of the last connection was still being looked into.
    if (this.isUp || this.#isConnecting) return;
    const { name, handlers, log } = this.#with;
    this.#isConnecting = true;
    const first = this.#attempt();
    try {
      const { ssh, client } = await this.#firstOf(first);
      if (!this.#isWanted || !client.connected) throw new Error('connection closed');
      this.#client = client;
      client.once('close', () => void this.#lost(ssh, client));
      this.#pulse.watch(client);
      this.#isConnecting = false;
      this.#why = undefined;
      this.#backoff.connected();
      log.info(`connected with ${name} over ssh`);
      handlers.up(this);
    } catch (error) {
      const end = await first.ssh.ended();
      const why =
        end ??
        (error instanceof MamError ? explain(error) : `The connection over ssh was lost: ${explain(error)}.`);
      await Promise.all([...this.#processes].map((ssh) => this.#end(ssh)));
      this.#isConnecting = false;
      this.#down(why, first.ssh.isUnreached);
    }
  }

  /**
   * The first attempt, or after a loss one of those that are begun beside it, one after the other.
   * @returns the one that is there first; the others are ended
   * @throws what the first one does
   */
  async #firstOf(first: Attempt): Promise<Opened> {
    const ms = this.#took === undefined ? undefined : Math.max(BESIDE_MS, BESIDE_TIMES * this.#took);
    if (ms === undefined) return first.opened;
    let beside: Attempt | undefined;
    for (;;) {
      // One that fails leaves it to the first one to say why.
      const others = beside === undefined ? [] : [beside.opened.catch(() => never)];
      const opened = await within(Promise.race([first.opened, ...others]), ms);
      if (opened !== undefined) {
        for (const ssh of this.#processes) if (ssh !== opened.ssh) void this.#end(ssh);
        return opened;
      }
      if (!this.#isWanted) throw new Error('connection closed');
      if (beside !== undefined) void this.#end(beside.ssh);
      beside = this.#attempt();
    }
  }

  #attempt(): Attempt {
    const ssh = new SshProcess(this.#with);
    this.#processes.add(ssh);
    return { ssh, opened: this.#open(ssh) };
  }

  async #open(ssh: SshProcess): Promise<Opened> {
    const { name, realm, host } = this.#with;
    const began = performance.now();
    const client = await openConnection(
      { kind: 'stream', open: () => ssh.stream },
      {
        clientId: `mam-mesh-${host}-${randomSuffix()}`,
        clean: true,
        prepare: (fresh) => fresh.on('message', (topic, payload) => this.#take(topic, payload)),
      },
    );
    await client.subscribeAsync(inboxFilter(realm, host), { qos: 0 }).catch((error: unknown) => {
      throw client.connected ? otherRealm(name, realm) : error;
    });
    this.#took = performance.now() - began;
    return { ssh, client };
  }

  async #end(ssh: SshProcess): Promise<void> {
    this.#processes.delete(ssh);
    await ssh.end();
  }

  async #lost(ssh: SshProcess, client: MqttClient): Promise<void> {
    if (this.#client !== client) return;
    this.#client = undefined;
    const end = this.#pulse.hasGivenUp ? undefined : await ssh.ended();
    void this.#end(ssh);
    this.#down(end ?? 'The connection over ssh was lost and is being restored.', true);
  }

  #down(why: string, isUnreached: boolean): void {
    if (!this.#isWanted) return;
    if (why !== this.#why) this.#with.log.warn(`no connection with ${this.#with.name} over ssh: ${why}`);
    this.#why = why;
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

const never = new Promise<never>(() => {});
