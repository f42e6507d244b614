import type { MqttClient } from 'mqtt';
import { type BrokerAddress, isRefused } from '../bus/address.ts';
import { openConnection } from '../bus/connection.ts';

const MIN_DELAY_MS = 20;
const MAX_DELAY_MS = 1_000;

export interface ReconnectorOptions {
  address: BrokerAddress;
  clientId: string;
  /** Starts the hub; called if its socket refuses the connection, once per attempt to connect. */
  onUnreachable: (() => Promise<void>) | undefined;
  /** False if nothing needs a connection now. */
  wanted: () => boolean;
  /** Called with a new connection, in the turn in which it comes up. */
  up: (client: MqttClient) => void;
  /** Called when an attempt failed; another one follows while a connection is wanted. */
  failed: (error: unknown) => void;
}

/** Keeps one connection while it is wanted: reconnects immediately after a loss, then with pauses of 20 ms to 1 s. */
export class Reconnector {
  readonly #options: ReconnectorOptions;
  #client: MqttClient | undefined;
  #trying = false;
  #closed = false;
  #delay = MIN_DELAY_MS;
  #since = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => {};

  constructor(options: ReconnectorOptions) {
    this.#options = options;
  }

  get client(): MqttClient | undefined {
    return this.#client;
  }

  /** Connects if there is no connection and one is still wanted at the end of this turn. */
  ensure(): void {
    if (this.#client !== undefined || this.#trying || this.#closed) return;
    this.#trying = true;
    // By then the caller has noted what it wants.
    queueMicrotask(() => void this.#keepTrying());
  }

  close(): void {
    this.#closed = true;
    this.#wake();
    this.#client?.end(true);
    this.#client = undefined;
  }

  async #keepTrying(): Promise<void> {
    // If the last connection broke immediately, do not rush.
    if (performance.now() - this.#since > MAX_DELAY_MS) this.#delay = MIN_DELAY_MS;
    else await this.#pause();
    while (!this.#closed && this.#client === undefined && this.#options.wanted()) {
      try {
        this.#begin(await this.#connect());
      } catch (error) {
        this.#options.failed(error);
        await this.#pause();
      }
    }
    this.#trying = false;
    if (this.#options.wanted()) this.ensure();
  }

  async #connect(): Promise<MqttClient> {
    const { address, clientId, onUnreachable } = this.#options;
    try {
      return await openConnection(address, { clientId, clean: true });
    } catch (error) {
      if (address.kind !== 'socket' || onUnreachable === undefined || !isRefused(error)) throw error;
      await onUnreachable();
      return openConnection(address, { clientId, clean: true });
    }
  }

  #begin(client: MqttClient): void {
    if (this.#closed || !client.connected) {
      client.end(true);
      throw new Error('connection closed');
    }
    this.#client = client;
    this.#since = performance.now();
    client.once('close', () => {
      client.end(true);
      if (this.#client !== client) return;
      this.#client = undefined;
      if (this.#options.wanted()) this.ensure();
    });
    this.#options.up(client);
  }

  #pause(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const delay = this.#delay;
    this.#delay = Math.min(delay * 2, MAX_DELAY_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
