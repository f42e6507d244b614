import type { Socket } from 'node:net';
import { writeToStream } from '../packets.ts';
import type { BrokerPacket } from './retained.ts';

type Done = () => void;

/** What we use of an aedes client beyond its published type. */
export interface AedesClient {
  conn: Socket;
  connecting: boolean;
  connected: boolean;
  closed: boolean;
  subscriptions: Record<string, { qos: number } | undefined>;
  deliver0(packet: BrokerPacket, done: Done): void;
  deliverQoS(packet: BrokerPacket, done: Done): void;
  /** Drops the client if it has not read for `drainTimeout`. */
  waitForDrain(done: Done): void;
}

const MAX_MESSAGE_ID = 65_535;

/**
 * Makes aedes write to a client in the same turn in which the hub publishes. aedes uses a separate turn, and thus a
 * system call, for every delivery; this way the answers to claims that were committed together are sent in one. Call it
 * before the client subscribes.
 */
export function deliverAtOnce(client: AedesClient): void {
  let messageId = 0;
  const write = (packet: BrokerPacket, qos: 0 | 1, done: Done): void => {
    // `connected` is set a few turns after the CONNACK, when a quick client may already have sent a request.
    if (!(client.connecting || client.connected) || client.closed) {
      done();
      return;
    }
    const { topic, payload, retain } = packet;
    if (qos === 1) messageId = (messageId % MAX_MESSAGE_ID) + 1;
    const frame = { cmd: 'publish', topic, payload, retain, dup: false } as const;
    const flushed = writeToStream(qos === 1 ? { ...frame, qos, messageId } : { ...frame, qos }, client.conn);
    if (flushed) done();
    else client.waitForDrain(() => done());
  };
  client.deliver0 = (packet, done) => write(packet, 0, done);
  // Retained messages arrive here whatever QoS the subscription asked for.
  client.deliverQoS = (packet, done) =>
    write(packet, client.subscriptions[packet.topic]?.qos === 0 ? 0 : packet.qos, done);
}
