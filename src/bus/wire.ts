/**
 * Just enough of MQTT 3.1.1 for one request and its answer. mqtt-packet takes 25 ms to load (it brings a stream
 * library), which is longer than the rest of a `mam publish`.
 */

const CONNECT = 0x10;
const CONNACK = 2;
const PUBLISH = 3;
const PUBLISH_QOS1 = 0x32;
const SUBSCRIBE = 0x82;
const CLEAN_SESSION = 0x02;
const WITH_PASSWORD = 0x40;
const WITH_USERNAME = 0x80;
const PROTOCOL_LEVEL = 4;

/** What a one-shot client needs to receive. */
export type WirePacket =
  | { cmd: 'connack'; code: number }
  | { cmd: 'publish'; topic: string; payload: Buffer }
  | { cmd: 'other' };

export interface Credentials {
  username?: string | undefined;
  password?: string | undefined;
}

/** A CONNECT for a clean session. @param keepalive seconds */
export function connectFrame(clientId: string, keepalive: number, login: Credentials): Buffer {
  const { username, password } = login;
  const flags =
    CLEAN_SESSION |
    (username === undefined ? 0 : WITH_USERNAME) |
    (username === undefined || password === undefined ? 0 : WITH_PASSWORD);
  const parts = [field('MQTT'), Buffer.from([PROTOCOL_LEVEL, flags]), number(keepalive), field(clientId)];
  if (username !== undefined) parts.push(field(username));
  if (username !== undefined && password !== undefined) parts.push(field(password));
  return frame(CONNECT, parts);
}

/** A SUBSCRIBE to one topic at QoS 0. */
export function subscribeFrame(messageId: number, topic: string): Buffer {
  return frame(SUBSCRIBE, [number(messageId), field(topic), Buffer.from([0])]);
}

/** A PUBLISH at QoS 1. */
export function publishFrame(messageId: number, topic: string, payload: string): Buffer {
  return frame(PUBLISH_QOS1, [field(topic), number(messageId), Buffer.from(payload)]);
}

/** Reads what a broker sends. @returns turns the next bytes into the packets that they complete */
export function packetReader(): (chunk: Buffer) => WirePacket[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const packets: WirePacket[] = [];
    for (;;) {
      const length = remainingLength(rest);
      if (length === undefined || rest.length < length.start + length.body) return packets;
      const body = rest.subarray(length.start, length.start + length.body);
      packets.push(decode(rest[0] as number, body));
      rest = rest.subarray(length.start + length.body);
    }
  };
}

function decode(header: number, body: Buffer): WirePacket {
  const type = header >> 4;
  if (type === CONNACK) return { cmd: 'connack', code: body[1] ?? 0 };
  if (type !== PUBLISH) return { cmd: 'other' };
  const topicEnd = 2 + body.readUInt16BE(0);
  const withId = (header & 0x06) > 0;
  return {
    cmd: 'publish',
    topic: body.toString('utf8', 2, topicEnd),
    payload: body.subarray(topicEnd + (withId ? 2 : 0)),
  };
}

/** Where the body of the first frame starts and how long it is; undefined while its header is not complete. */
function remainingLength(bytes: Buffer): { start: number; body: number } | undefined {
  let body = 0;
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    body += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) === 0) return { start: at + 1, body };
  }
  return undefined;
}

function frame(header: number, parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = [header];
  let left = body.length;
  do {
    const more = left >= 128 ? 0x80 : 0;
    head.push((left % 128) | more);
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from(head), body]);
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
