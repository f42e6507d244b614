import { type Duplex, Transform } from 'node:stream';
import { MAX_FRAME_BYTES } from './frame-guard.ts';

const PUBLISH = 3;
/** The two bits of a PUBLISH that say its QoS: with one, it has a packet id. */
const QOS = 0b110;
const LENGTH_BITS = 7;
const MORE = 0x80;
const MAX_LENGTH_BYTES = 4;

/** Where the body of a frame begins, and how long it is; nothing while its head is not all there. */
function readHead(bytes: Buffer): { start: number; length: number } | undefined {
  let length = 0;
  for (let at = 1; at <= MAX_LENGTH_BYTES; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & ~MORE) * 2 ** (LENGTH_BITS * (at - 1));
    if ((byte & MORE) === 0 || at === MAX_LENGTH_BYTES) return { start: at + 1, length };
  }
  return undefined;
}

/** A frame's length as MQTT writes it; a topic and an id take three bytes at most. */
function writeLength(length: number): number[] {
  return length < MORE ? [length] : [(length % MORE) | MORE, ...writeLength(Math.floor(length / MORE))];
}

/**
 * Follows the frames of one MQTT 3.1.1 stream from a broker. A message of more than `limit` bytes goes on without its
 * payload, so that it is acknowledged and gone: nothing collects it, and closing would have it delivered again for ever.
 */
export function frameCutter(limit = MAX_FRAME_BYTES): Transform {
  let head: Buffer = Buffer.alloc(0);
  let passing = 0;
  let skipping = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      head = Buffer.alloc(0);
      while (rest.length > 0) {
        if (skipping > 0) {
          const count = Math.min(skipping, rest.length);
          skipping -= count;
          rest = rest.subarray(count);
          continue;
        }
        if (passing > 0) {
          const count = Math.min(passing, rest.length);
          passing -= count;
          this.push(rest.subarray(0, count));
          rest = rest.subarray(count);
          continue;
        }
        const [first = 0] = rest;
        const frame = readHead(rest);
        if (frame === undefined) break;
        const { start, length } = frame;
        passing = start + length;
        if (length <= limit || first >> 4 !== PUBLISH) continue;
        passing = 0;
        if (rest.length < start + 2) break;
        const kept = 2 + rest.readUInt16BE(start) + ((first & QOS) === 0 ? 0 : 2);
        if (rest.length < start + kept) break;
        this.push(Buffer.from([first, ...writeLength(kept)]));
        this.push(rest.subarray(start, start + kept));
        skipping = length - kept;
        rest = rest.subarray(start + kept);
      }
      head = rest;
      done();
    },
  });
}

/** Puts one between a stream and whoever reads it by `pipe`. */
export function cutFrames<T extends Duplex>(stream: T): T {
  const pipe = stream.pipe.bind(stream);
  stream.pipe = (target) => pipe(frameCutter()).pipe(target);
  return stream;
}
