import { Readable } from 'node:stream';

/** A message as aedes delivers it to subscribers. */
export interface BrokerPacket {
  cmd: 'publish';
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  retain: boolean;
  dup: false;
}

/** The part of aedes' persistence that serves retained messages. */
interface Persistence {
  storeRetained(packet: BrokerPacket): Promise<void>;
  createRetainedStreamCombi(filters: string[]): Readable;
}

/**
 * Retained messages with an index: aedes' own memory store searches all of them for every subscription (69 ms with
 * 100,000), and everyone who follows a job subscribes.
 */
export class Retained {
  readonly #packets = new Map<string, BrokerPacket>();
  readonly #persistence: Persistence;

  /** @param persistence aedes' own store: it still answers filters with wildcards */
  constructor(persistence: Persistence) {
    this.#persistence = persistence;
    const scan = persistence.createRetainedStreamCombi.bind(persistence);
    persistence.createRetainedStreamCombi = (filters) =>
      filters.some((filter) => /[+#]/.test(filter))
        ? scan(filters)
        : Readable.from(filters.flatMap((topic) => this.#packets.get(topic) ?? []));
  }

  /** Keeps the packet as its topic's retained message; an empty payload clears the topic. */
  put(packet: BrokerPacket): void {
    if (packet.payload.length === 0) this.#packets.delete(packet.topic);
    else this.#packets.set(packet.topic, packet);
    void this.#persistence.storeRetained(packet);
  }
}
