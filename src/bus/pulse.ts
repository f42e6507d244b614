import type { MqttClient } from 'mqtt';

/** How often a connection is asked for a sign of life, in ms. */
const BEAT_MS = 1_000;
/**
 * The shortest and the longest wait for it, in ms. TCP sends lost data again after 0.2, 0.6, 1.4, 3, 6, 12 … s: a link that
 * comes back is used at once only if the connection was given up before these pauses became long.
 */
const LEAST_MS = 2_000;
const MOST_MS = 15_000;
/** After a sign of life that took less than this share of the wait, the wait becomes shorter by this factor. */
const SOON_SHARE = 0.25;
const CALMER = 0.7;
/** A timer that is later than this (ms) shows that this process was busy, not that the other side is silent. */
const LATE_MS = 500;

/**
 * Notices soon that a connection is dead, which TCP itself does only after minutes. On a way that is slow, not dead, it
 * becomes more patient with each connection that it has given up.
 */
export class Pulse {
  readonly #everyMs: () => number | undefined;
  #patienceMs = LEAST_MS;
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #askedAt: number | undefined;
  #hasGivenUp = false;

  /** @param everyMs the pause between two questions; undefined: the usual one */
  constructor(everyMs: () => number | undefined = () => undefined) {
    this.#everyMs = everyMs;
  }

  /** True if the last connection was closed here because it was dead. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** Watches this connection instead of the last one: it is closed when it is dead. */
  watch(client: MqttClient): void {
    this.stop();
    this.#hasGivenUp = false;
    this.#client = client;
    client.on('packetreceive', () => this.#heard(client));
    client.once('close', () => {
      if (this.#client === client) this.stop();
    });
    this.#rest();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#client = undefined;
    this.#askedAt = undefined;
  }

  #heard(client: MqttClient): void {
    if (this.#client !== client || this.#askedAt === undefined) return;
    const isSoon = performance.now() - this.#askedAt < SOON_SHARE * this.#patienceMs;
    this.#askedAt = undefined;
    if (isSoon) this.#patienceMs = Math.max(LEAST_MS, CALMER * this.#patienceMs);
    this.#rest();
  }

  #rest(): void {
    this.#after(this.#everyMs() ?? BEAT_MS, () => this.#ask());
  }

  #ask(): void {
    this.#askedAt = performance.now();
    this.#client?.sendPing();
    const due = this.#askedAt + this.#patienceMs;
    this.#after(this.#patienceMs, () => {
      if (performance.now() - due > LATE_MS) this.#ask();
      else this.#giveUp();
    });
  }

  #giveUp(): void {
    const client = this.#client;
    this.stop();
    this.#hasGivenUp = true;
    this.#patienceMs = Math.min(MOST_MS, 2 * this.#patienceMs);
    client?.stream.destroy();
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms).unref();
  }
}
