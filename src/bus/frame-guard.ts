import type { Socket } from 'node:net';

/** The largest MQTT packet that a client may send, in bytes: twice the largest payload that the contract allows. */
const MAX_FRAME_BYTES = 128 * 1024;

/** Bits of a remaining length in one byte, and the bit that announces another byte. */
const LENGTH_BITS = 7;
const MORE = 0x80;
const MAX_LENGTH_BYTES = 4;

/** Follows the frames of a byte stream. @returns takes the next bytes; false for a frame too large or malformed */
export function frameChecker(): (chunk: Uint8Array) => boolean {
  let body = 0;
  let lengthBytes = -1;
  let pending = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (body > 0) {
        const skipped = Math.min(body, chunk.length - at);
        body -= skipped;
        at += skipped;
        continue;
      }
      if (lengthBytes === -1) {
        lengthBytes = 0;
        pending = 0;
        at += 1;
        continue;
      }
      const byte = chunk[at++] as number;
      pending += (byte & ~MORE) * 2 ** (LENGTH_BITS * lengthBytes);
      lengthBytes += 1;
      if (pending > MAX_FRAME_BYTES) return false;
      if ((byte & MORE) === 0) {
        body = pending;
        lengthBytes = -1;
      } else if (lengthBytes === MAX_LENGTH_BYTES) {
        return false;
      }
    }
    return true;
  };
}

/**
 * Destroys `socket` as soon as a frame announces too many bytes, before they are buffered. It wraps `socket.read`,
 * because aedes pulls, and a stream in between would cost every message an extra hop.
 */
export function guardFrames(socket: Socket): void {
  const check = frameChecker();
  const read = socket.read.bind(socket);
  socket.read = (size?: number) => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array) || check(chunk)) return chunk;
    socket.destroy();
    return null;
  };
}
