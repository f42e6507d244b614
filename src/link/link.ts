import type { MqttClient } from 'mqtt';
import { MamError } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { parseJson } from '../base/json.ts';
import { type BrokerAddress, describeAddress, isFinalFailure, unreachable } from '../bus/address.ts';
import { logFilter, logTopic, ofAnyHost, replyTopic, requestTopic, statusTopic } from '../bus/topics.ts';
import type { Claim } from '../job/claim.ts';
import type { ClaimReply } from '../job/event.ts';
import type { ClaimOutcome } from '../operations/publish.ts';
import type { Command, Commands, LogMessage, Reply } from '../operations/request.ts';
import { Follows, type LogListener } from './follows.ts';
import { PendingCalls } from './pending-calls.ts';
import { Publisher } from './publisher.ts';
import { Reconnector } from './reconnector.ts';

export interface LinkOptions {
  address: BrokerAddress;
  realm: string;
  /** The host whose hub receives the requests. Over a socket it need not match the machine's current name. */
  host: string;
  /** The caller's PATH, sent with each request: the hub's own PATH is that of the process that started it. */
  path?: string | undefined;
  /** MAM_HOME, for the outbox; without it, a claim that the hub does not accept is rejected. */
  home?: string | undefined;
  /** How long an event waits for the hub's answer before it goes to the outbox, in ms; 1,000 if absent. */
  patienceMs?: number | undefined;
  /** Starts the hub; called if its socket refuses the connection, once per attempt to connect. */
  onUnreachable?: (() => Promise<void>) | undefined;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** Pause between attempts to start a hub behind a broker, in ms. */
const START_AGAIN_MS = 1_000;
/** A retained status arrives within this time after its subscription, in ms. */
const STATUS_MS = 500;
/** How long a request waits for a connection to a broker that may be far away. */
const URL_PATIENCE_MS = 5_000;

/**
 * A client's connection to the hub. It connects on first use and stays connected; after a loss it reconnects by itself
 * while it is needed (for a request, a follower or an unanswered claim).
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #replyTo: string;
  readonly #publisher: Publisher;
  readonly #requests: PendingCalls;
  readonly #follows = new Follows({
    join: (topic) => this.#client?.subscribe(topic, { qos: this.#qos }),
    leave: (topic) => this.#leave(topic),
  });
  readonly #onConnect = new Set<() => void>();
  readonly #onLost = new Set<() => void>();
  /** The topic of the hub's presence; undefined over its own socket, where the connection itself shows it. */
  readonly #hubStatus: string | undefined;
  #hubOnline: boolean | undefined;
  readonly #reconnector: Reconnector;
  #closed = false;
  #failure: unknown;

  constructor(options: LinkOptions) {
    const { address, realm, host, home, path, onUnreachable } = options;
    this.#options = options;
    const clientId = `mam-${process.pid}-${randomSuffix()}`;
    this.#replyTo = replyTopic(realm, clientId);
    const requestsGoTo = requestTopic(realm, host);
    this.#hubStatus = address.kind === 'socket' ? undefined : statusTopic(realm, host);
    const send = (topic: string, payload: string): void => this.#send(topic, payload);
    this.#publisher = new Publisher({
      realm,
      replyTo: this.#replyTo,
      home,
      manyHubs: address.kind === 'url',
      // Read at each event.
      get patienceMs() {
        return options.patienceMs;
      },
      send,
      whyNoHub: () =>
        this.#client === undefined && this.#failure instanceof MamError ? this.#failure.text : undefined,
    });
    this.#requests = new PendingCalls({
      replyTo: this.#replyTo,
      path,
      send: (payload) => {
        const goes = this.#client === undefined || this.#hubStatus === undefined || this.#hubOnline === true;
        if (goes) send(requestsGoTo, payload);
        return goes && this.#client !== undefined;
      },
      explain: (command, timeoutMs) => this.#explain(command, timeoutMs),
    });
    this.#reconnector = new Reconnector({
      address,
      clientId,
      onUnreachable,
      wanted: () => this.#wanted,
      up: (client) => this.#begin(client),
      failed: (error) => this.#failed(error),
    });
  }

  /** True while connected, so that requests go out immediately. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /**
   * Sends a command to the hub and returns its result. After a lost connection it is sent again with the same id.
   * @throws MamError: the hub's own; `unreachable` if there was no connection (for a URL after at most 5 s),
   * `unavailable` if the hub did not answer within `timeoutMs`
   */
  async request<C extends Command>(
    command: C,
    params: Commands[C]['params'],
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Commands[C]['result']> {
    this.#checkOpen();
    const answer = this.#requests.request(command, params, timeoutMs);
    if (this.#options.address.kind === 'socket' || this.#client !== undefined) return answer;
    const timer = setTimeout(() => {
      if (this.#client === undefined) this.#requests.fail(unreachable(this.#options.address, this.#failure));
    }, URL_PATIENCE_MS);
    return answer.finally(() => clearTimeout(timer));
  }

  /** Publishes a claim. @returns its outcome, within about 1 s @throws MamError, see `Publisher.claim` */
  async claim(claim: Claim): Promise<ClaimOutcome> {
    this.#checkOpen();
    const outcome = this.#publisher.claim(claim);
    // A claim that goes to the outbox is still answered over a connection.
    this.#reconnector.ensure();
    return outcome;
  }

  /**
   * Listens to the recorded events of a job. A request made after this call is answered once the subscription is
   * active, so no event is missed in between.
   * @returns a function that ends it
   */
  follow(jobId: string, host: string, listener: (message: LogMessage) => void): () => void {
    return this.#follow(logTopic(this.#options.realm, host, jobId), listener);
  }

  /** Like `follow`, for all jobs of a host. A link that also follows one of them may get its events twice. */
  followAll(host: string, listener: (message: LogMessage) => void): () => void {
    return this.#follow(logFilter(this.#options.realm, host), listener);
  }

  /** Calls `listener` after each connection, once all subscriptions are active. @returns a function that ends it */
  onConnect(listener: () => void): () => void {
    this.#onConnect.add(listener);
    return () => this.#onConnect.delete(listener);
  }

  /** Calls `listener` when the connection or, at a broker, the hub is lost. @returns a function that ends it */
  onLost(listener: () => void): () => void {
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** Ends the connection. Claims without an answer go to the outbox, requests fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#requests.fail(new MamError('unavailable', 'The connection to the hub was closed.'));
    await this.#publisher.flush('The process ended before the hub acknowledged it.');
    this.#reconnector.close();
  }

  get #client(): MqttClient | undefined {
    return this.#reconnector.client;
  }

  /** Over a socket nothing is lost while the connection lasts, so acknowledgements would be useless. */
  get #qos(): 0 | 1 {
    return this.#options.address.kind === 'socket' ? 0 : 1;
  }

  get #wanted(): boolean {
    return !this.#closed && (this.#requests.size > 0 || this.#follows.size > 0 || this.#publisher.busy);
  }

  #follow(topic: string, listener: (message: LogMessage) => void): () => void {
    this.#checkOpen();
    const place = this.#placeOf(topic);
    // A new function, since the same listener may follow twice.
    const own: LogListener = (message) => listener(message);
    this.#follows.add(place, own);
    this.#reconnector.ensure();
    return () => this.#follows.remove(place, own);
  }

  /** The topic under which listeners of a log topic are kept. */
  #placeOf(topic: string): string {
    return this.#options.address.kind === 'socket' ? ofAnyHost(topic) : topic;
  }

  #send(topic: string, payload: string): void {
    if (this.#client === undefined) this.#reconnector.ensure();
    else this.#client.publish(topic, payload, { qos: 1 });
  }

  #begin(client: MqttClient): void {
    this.#failure = undefined;
    this.#hubOnline = undefined;
    this.#follows.renew();
    client.on('message', (topic, payload) => this.#receive(topic, payload));
    client.once('close', () => this.#lost());
    const own = this.#hubStatus === undefined ? [this.#replyTo] : [this.#replyTo, this.#hubStatus];
    client.subscribe([...own, ...this.#follows.topics], { qos: this.#qos }, (error) => {
      if (error) client.end(true);
      else this.#connected();
    });
    // Right after the subscription: a broker handles one client's packets in order.
    this.#publisher.resend();
    if (this.#hubStatus === undefined) this.#requests.resend();
    else setTimeout(() => this.#missHub(client), STATUS_MS).unref();
  }

  #connected(): void {
    for (const listener of [...this.#onConnect]) listener();
  }

  #lost(): void {
    if (this.#closed) return;
    for (const listener of [...this.#onLost]) listener();
  }

  /**
   * An external broker keeps running when the hub dies, and drops requests that no hub has subscribed to. So requests
   * wait until the hub is online, a dead hub is started again, and a new one makes all listeners look again.
   */
  #hubIs(online: boolean): void {
    const first = this.#hubOnline === undefined;
    this.#hubOnline = online;
    if (online) {
      this.#requests.resend();
      if (!first) this.#connected();
    } else {
      this.#lost();
      this.#startHub();
    }
  }

  /** Without a retained status, the broker has never seen a hub. */
  #missHub(client: MqttClient): void {
    if (this.#client !== client || this.#hubOnline !== undefined) return;
    this.#hubOnline = false;
    this.#startHub();
  }

  #startHub(): void {
    if (this.#hubOnline !== false || !this.#wanted) return;
    const again = (): void => void setTimeout(() => this.#startHub(), START_AGAIN_MS).unref();
    this.#options.onUnreachable?.().then(again, (error) => {
      this.#failed(error);
      again();
    });
  }

  #leave(topic: string): void {
    const client = this.#client;
    client?.unsubscribe(topic, () => {
      // A listener was added again meanwhile.
      if (this.#client !== client || !this.#follows.has(topic)) return;
      client.subscribe(topic, { qos: this.#qos }, () => this.#connected());
    });
  }

  #failed(error: unknown): void {
    this.#failure = error;
    if (error instanceof MamError) this.#requests.fail(error);
    else if (isFinalFailure(error)) this.#requests.fail(unreachable(this.#options.address, error));
  }

  #receive(topic: string, payload: Buffer): void {
    const message = parseJson(payload.toString());
    if (typeof message !== 'object' || message === null) return;
    if (topic === this.#hubStatus) this.#hubIs((message as { online?: unknown }).online === true);
    else if (topic !== this.#replyTo) this.#follows.deliver(this.#placeOf(topic), message as LogMessage);
    else if ('request_id' in message) this.#requests.takeReply(message as Reply);
    else if ('event_id' in message) this.#publisher.takeReply(message as ClaimReply);
  }

  #explain(command: Command, timeoutMs: number): MamError {
    const { address, host } = this.#options;
    if (this.#client === undefined) return unreachable(address, this.#failure);
    const hub = address.kind === 'socket' ? 'The hub' : `The hub of ${host}`;
    return new MamError(
      'unavailable',
      `${hub} did not answer "${command}" within ${timeoutMs / 1000} s (over ${describeAddress(address)}).`,
      'Run `mam doctor`, then try again.',
    );
  }

  #checkOpen(): void {
    if (this.#closed) throw new MamError('unavailable', 'The connection to the hub is closed.');
  }
}
