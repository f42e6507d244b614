import { LIMITS } from '../../../job/limits.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { AskParams } from './ask-params.ts';

/** How long an unfinished or unused text is kept after its last piece, in ms. */
const KEPT_MS = 5 * 60_000;
/** Texts of one host at a time, each of at most 1 MiB. */
const MAX_OF_HOST = 8;

interface Upload {
  host: string;
  text: string;
  bytes: number;
  isWhole: boolean;
  timer: NodeJS.Timeout;
}

/** Prompts and results that are longer than a message: other hosts send them in pieces. Kept in memory, for a few minutes. */
export class Uploads {
  readonly #uploads = new Map<string, Upload>();

  /**
   * Takes a piece; the same piece may come again.
   * @returns how much of the text is here, in UTF-16 units: the offset of the next piece
   * @throws MamError `conflict` for a piece that does not follow, `bad_input` for too long a text, `refused` for too many
   */
  put(host: string, { upload, offset, text, last }: AskParams['put']): { size: number } {
    const known = this.#uploads.get(keyOf(host, upload));
    const one = known ?? this.#begin(host, upload);
    const end = offset + text.length;
    const isRepeated = end <= one.text.length && one.text.slice(offset, end) === text;
    if (!isRepeated) this.#append(one, offset, text);
    one.isWhole ||= last && end === one.text.length;
    one.timer.refresh();
    return { size: one.text.length };
  }

  /** A whole text, which is dropped when its user calls `drop`. @throws MamError `not_found`, or `conflict` if pieces are missing */
  get(host: string, upload: string): string {
    const one = this.#uploads.get(keyOf(host, upload));
    if (one === undefined)
      throw plainError('not_found', 'The text that was sent before is no longer here.', 'Send it again.');
    if (!one.isWhole)
      throw plainError('conflict', 'The text that was sent before is incomplete.', 'Send it again.');
    return one.text;
  }

  drop(host: string, upload: string): void {
    const key = keyOf(host, upload);
    clearTimeout(this.#uploads.get(key)?.timer);
    this.#uploads.delete(key);
  }

  stop(): void {
    for (const { timer } of this.#uploads.values()) clearTimeout(timer);
    this.#uploads.clear();
  }

  #begin(host: string, upload: string): Upload {
    const own = [...this.#uploads.values()].filter((one) => one.host === host);
    if (own.length >= MAX_OF_HOST) {
      const what = `${own.length} texts of your host are waiting here to be used.`;
      throw plainError(
        'refused',
        what,
        `Try again: unused ones are dropped after ${KEPT_MS / 60_000} minutes.`,
      );
    }
    const timer = setTimeout(() => this.drop(host, upload), KEPT_MS).unref();
    const one = { host, text: '', bytes: 0, isWhole: false, timer };
    this.#uploads.set(keyOf(host, upload), one);
    return one;
  }

  #append(one: Upload, offset: number, text: string): void {
    if (one.isWhole || offset !== one.text.length) {
      const what = `A piece of the text begins at ${offset}, but ${one.text.length} characters have arrived.`;
      throw plainError('conflict', what, 'Send it again.');
    }
    const bytes = one.bytes + Buffer.byteLength(text);
    if (bytes > LIMITS.promptBytes) {
      const what = `The text is longer than ${LIMITS.promptBytes} bytes.`;
      throw plainError('bad_input', what, 'Put the rest into a file there, and name it.');
    }
    one.text += text;
    one.bytes = bytes;
  }
}

function keyOf(host: string, upload: string): string {
  return `${host}\n${upload}`;
}
