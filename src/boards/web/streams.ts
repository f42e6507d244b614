import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { beginStream } from './respond.ts';

/** A reader that has not taken this much is cut off; its page connects again and catches up. In bytes. */
const MOST_PENDING = 4 * 1024 * 1024;
/** How often a quiet stream is written to, so that both sides learn that the other one is gone; in ms. */
const PING_MS = 15_000;
const MAX_STREAMS = 40;

/** One page that listens. */
interface Stream {
  response: ServerResponse;
  /** The job whose screen it shows. */
  looksAt?: string | undefined;
}

/** The pages that listen, each over one stream of server-sent events. */
export class Streams {
  readonly #open = new Map<string, Stream>();
  #ping: NodeJS.Timeout | undefined;

  get isFull(): boolean {
    return this.#open.size >= MAX_STREAMS;
  }

  /** The jobs whose screens are on some page now. */
  get looked(): Set<string> {
    return new Set([...this.#open.values()].flatMap(({ looksAt }) => looksAt ?? []));
  }

  /** Adds a page. @param hello what it is sent first, with the stream's id */
  add(response: ServerResponse, hello: object): void {
    const id = randomBytes(12).toString('base64url');
    beginStream(response);
    this.#open.set(id, { response });
    this.#ping ??= setInterval(() => this.#write(': ping\n\n'), PING_MS);
    response.once('close', () => {
      this.#open.delete(id);
      if (this.#open.size === 0) {
        clearInterval(this.#ping);
        this.#ping = undefined;
      }
    });
    response.write(messageOf('ready', { ...hello, stream: id }));
  }

  /** A page shows another job's screen, or none. */
  look(id: string, jobId: string | undefined): void {
    const stream = this.#open.get(id);
    if (stream !== undefined) stream.looksAt = jobId;
  }

  /** Sends a message to all pages, or to those that show a job's screen. */
  tell(event: string, data: object, jobId?: string): void {
    this.#write(messageOf(event, data), jobId);
  }

  end(): void {
    clearInterval(this.#ping);
    for (const { response } of this.#open.values()) response.destroy();
  }

  #write(text: string, jobId?: string): void {
    for (const { response, looksAt } of this.#open.values()) {
      if (jobId !== undefined && looksAt !== jobId) continue;
      if (response.writableLength > MOST_PENDING) response.destroy();
      else response.write(text);
    }
  }
}

/** JSON has no line breaks, so each message has one line of data. */
function messageOf(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
