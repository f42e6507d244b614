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
  /** Drops the client when it has not read for `drainTimeout`. */
  waitForDrain(done: Done): void;
}

const MAX_MESSAGE_ID = 65_535;

/**
 * Makes aedes write to a client in the turn in which the hub publishes. aedes gives every delivery a turn, and so a
 * system call, of its own; now the answers to claims that were committed together leave in one. Call it before the
 * client subscribes.
 */
export function deliverAtOnce(client: AedesClient): void {
  let messageId = 0;
  const write = (packet: BrokerPacket, qos: 0 | 1, done: Done): void => {
    // `connected` comes a few turns after the CONNACK, when a quick client has already sent a request.
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
  // A retained message comes here whatever its subscription asked for.
  client.deliverQoS = (packet, done) =>
    write(packet, client.subscriptions[packet.topic]?.qos === 0 ? 0 : packet.qos, done);
}
