import { connect as connectSocket, isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IClientOptions, MqttClient } from 'mqtt';
import { checkHubSocket } from '../trust/socket.ts';
import type { BrokerAddress } from './address.ts';

/** A stream to a broker that the caller opens, such as the input and output of ssh. */
export interface StreamAddress {
  kind: 'stream';
  open: () => Duplex;
}

/** The differences between a hub's session and a client's. */
export interface ConnectionOptions {
  clientId: string;
  clean: boolean;
  /** Retained; `qos` is 1 if absent. */
  will?: { topic: string; payload: string; qos?: 0 | 1 };
  /** MQTT protocol version: 4 is 3.1.1, which every long-lived connection uses. */
  version?: 4 | 5;
  /** How long a broker with a URL may take to accept the connection, once its address is known, in ms. */
  reachMs?: number;
  /** Called before anything can arrive. */
  prepare?: (client: MqttClient) => void;
}

/** A dead hub on this machine is noticed within 8 s (1.5 keepalives); over a network that would be too sensitive. */
const SOCKET_KEEPALIVE_S = 5;
const SOCKET_CONNECT_MS = 2_000;
const URL_KEEPALIVE_S = 15;
const URL_CONNECT_MS = 10_000;
/** Over ssh the other side may first have to start a hub. */
const STREAM_CONNECT_MS = 20_000;

/**
 * Opens one MQTT connection that never reconnects by itself: MQTT.js would first resend its stored messages one by one,
 * and would lose what is published meanwhile.
 * @returns the client, connected; from then on it emits `close` once
 * @throws MamError `refused` for a socket that is not this user's; the error of the socket, or of MQTT.js with the
 * CONNACK code in `code`
 */
export async function openConnection(
  address: BrokerAddress | StreamAddress,
  { clientId, clean, will, version = 4, reachMs, prepare }: ConnectionOptions,
): Promise<MqttClient> {
  if (address.kind === 'socket') checkHubSocket(address.path);
  const [{ default: mqtt }] = await Promise.all([import('mqtt'), import('./packets.ts')]);
  const common: IClientOptions = {
    protocolVersion: version,
    clientId,
    clean,
    reconnectPeriod: 0,
    queueQoSZero: false,
    ...(will && { will: { qos: 1 as const, ...will, payload: Buffer.from(will.payload), retain: true } }),
  };
  const client =
    address.kind !== 'url'
      ? new mqtt.MqttClient(
          address.kind === 'socket' ? () => connectSocket(address.path) : () => address.open(),
          {
            ...common,
            keepalive: address.kind === 'socket' ? SOCKET_KEEPALIVE_S : URL_KEEPALIVE_S,
            connectTimeout: address.kind === 'socket' ? SOCKET_CONNECT_MS : STREAM_CONNECT_MS,
          },
        )
      : mqtt.connect(address.url, {
          ...common,
          keepalive: URL_KEEPALIVE_S,
          connectTimeout: URL_CONNECT_MS,
          ...(address.username !== undefined && { username: address.username }),
          ...(address.password !== undefined && { password: address.password }),
          ...(address.ca !== undefined && { ca: address.ca }),
          ...(address.cert !== undefined && { cert: address.cert }),
          ...(address.key !== undefined && { key: address.key }),
        });
  if (client.stream instanceof Socket) {
    sendAtOnce(client.stream);
    if (reachMs !== undefined && address.kind === 'url') limitReach(client.stream, address.url, reachMs);
  }
  prepare?.(client);
  return settled(client);
}

/**
 * MQTT.js leaves Nagle's algorithm on, which meets the broker's delayed acknowledgements: 40 ms for a message after another.
 * (The library for WebSockets turns it off.)
 */
function sendAtOnce(socket: Socket): void {
  // The socket may be replaced while it connects, if the host has several addresses.
  socket.once('connect', () => socket.setNoDelay(true));
}

/** Gives up a connection that is not accepted within `ms`; a name server has a time of its own. */
function limitReach(socket: Socket, url: string, ms: number): void {
  const begin = (): void => {
    const timer = setTimeout(() => socket.destroy(new Error('the connection was not accepted in time')), ms);
    for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer));
  };
  if (isIP(new URL(url).hostname.replace(/^\[|\]$/g, '')) > 0) begin();
  else socket.once('lookup', begin);
}

function settled(client: MqttClient): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    let failure: Error = new Error('connection closed');
    const fail = (): void => {
      client.end(true);
      reject(failure);
    };
    // This listener stays for the life of the client: an unhandled error event would end the process.
    client.on('error', (error) => {
      failure = error;
      if (!client.connected) fail();
    });
    client.once('close', fail);
    client.once('connect', () => {
      client.off('close', fail);
      resolve(client);
    });
  });
}
