import { Relay } from '../relay.ts';
import { listensBeside, type Network, OUTSIDE, type Reach } from './network.ts';

/** A relay from one host to another. */
interface Way {
  ends: string[];
  relay: Relay;
}

/** Hosts that differ by their folders only; each way between two is a relay, which is frozen when either is cut. */
export class Loopback implements Network {
  readonly kind = 'loopback';
  readonly #ways = new Map<string, Way>();
  readonly #cut = new Set<string>();

  address(): string {
    return '127.0.0.1';
  }

  prefix(): string[] {
    return [];
  }

  async reach(from: string, to: string, port: number): Promise<Reach> {
    if (from === to || from === OUTSIDE) return { address: this.address(), port };
    const name = `${from} ${to} ${port}`;
    const way = this.#ways.get(name) ?? { ends: [from, to], relay: new Relay(port) };
    if (!this.#ways.has(name)) {
      this.#ways.set(name, way);
      await way.relay.open();
      this.#set(way);
    }
    return { address: this.address(), port: way.relay.port };
  }

  listens(_host: string, port: number): boolean {
    return listensBeside('self', port);
  }

  async cut(host: string): Promise<void> {
    this.#cut.add(host);
    for (const way of this.#ways.values()) this.#set(way);
  }

  async mend(host: string): Promise<void> {
    this.#cut.delete(host);
    for (const way of this.#ways.values()) this.#set(way);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#ways.values()].map(({ relay }) => relay.cut()));
  }

  async end(): Promise<string[]> {
    return [];
  }

  #set({ ends, relay }: Way): void {
    if (ends.some((host) => this.#cut.has(host))) relay.freeze();
    else relay.thaw();
  }
}
