import type { IncomingMessage } from 'node:http';
import { isObject, parseJson } from '../../base/json.ts';

/** A body that is too large, or not a JSON object. */
export class BadBody extends Error {
  readonly status: number;
  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

/** Reads the JSON object that was sent. @param limit in bytes @throws BadBody; the system's error if the sender is gone */
export async function readBody(request: IncomingMessage, limit: number): Promise<Record<string, unknown>> {
  const tooLarge = new BadBody(413, `This is more than ${limit} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw tooLarge;
    chunks.push(chunk);
  }
  const value = parseJson(Buffer.concat(chunks).toString());
  if (isObject(value)) return value;
  throw new BadBody(400, 'This is not a JSON object.');
}
