import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { beginStream } from './respond.ts';

/** A reader that has not taken this much is cut off; its page connects again and catches up. In bytes. */
const MOST_PENDING = 4 * 1024 * 1024;
/** How often a quiet stream is written to, so that both sides learn that the other one is gone; in ms. */
const PING_MS = 15_000;
const MAX_STREAMS = 40;

const MAX_TABS = 100;

/** A browser that listens, for all its tabs. */
interface Stream {
  response: ServerResponse;
  /** The job whose screen is shown, by tab. */
  looks: Map<string, string>;
}

/** The browsers that listen, each over one stream of server-sent events. */
export class Streams {
  readonly #open = new Map<string, Stream>();
  #ping: NodeJS.Timeout | undefined;

  get isFull(): boolean {
    return this.#open.size >= MAX_STREAMS;
  }

  /** The jobs whose screens are on some page now. */
  get looked(): Set<string> {
    return new Set([...this.#open.values()].flatMap(({ looks }) => [...looks.values()]));
  }

  /** Adds a browser. @param hello what it is sent first, with the stream's id */
  add(response: ServerResponse, hello: object): void {
    const id = randomBytes(12).toString('base64url');
    beginStream(response);
    this.#open.set(id, { response, looks: new Map() });
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

  /** A tab shows another job's screen, or none. */
  look(id: string, tab: string, jobId: string | undefined): void {
    const looks = this.#open.get(id)?.looks;
    if (jobId === undefined) looks?.delete(tab);
    else if (looks !== undefined && (looks.has(tab) || looks.size < MAX_TABS)) looks.set(tab, jobId);
  }

  /** Sends a message to all browsers, or to those that show a job's screen. */
  tell(event: string, data: object, jobId?: string): void {
    this.#write(messageOf(event, data), jobId);
  }

  end(): void {
    clearInterval(this.#ping);
    for (const { response } of this.#open.values()) response.destroy();
  }

  #write(text: string, jobId?: string): void {
    for (const { response, looks } of this.#open.values()) {
      if (jobId !== undefined && ![...looks.values()].includes(jobId)) continue;
      if (response.writableLength > MOST_PENDING) response.destroy();
      else response.write(text);
    }
  }
}

/** JSON has no line breaks, so each message has one line of data. */
function messageOf(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
