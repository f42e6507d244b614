import { StringDecoder } from 'node:string_decoder';
import { clean } from '../../base/text.ts';

const NEWLINE = 0x0a;

type From = 'stdout' | 'stderr';

/** An escape sequence whose end has not come yet, at the end of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const OPEN_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b\n]*)?$/;

/**
 * Passes a script's output on as it comes: byte for byte into a pipe or a file, and harmless onto a terminal, since it may
 * show what a peer has written.
 */
export class ScriptOutput {
  readonly #toStderr: boolean;
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  #inLine = false;
  readonly #rest = { stdout: '', stderr: '' };

  /** @param toStderr true where stdout is for something else */
  constructor(toStderr: boolean) {
    this.#toStderr = toStderr;
  }

  /** What follows on stdout stands on a line of its own. */
  end(): void {
    if (this.#inLine) process.stdout.write('\n');
  }

  take(chunk: Buffer, from: From): void {
    const to = this.#to(from);
    if (to === process.stdout) this.#inLine = chunk.at(-1) !== NEWLINE;
    if (!to.isTTY) {
      to.write(chunk);
      return;
    }
    const text = this.#rest[from] + this.#decoders[from].write(chunk);
    // Held back; one that never ends is nothing to show.
    const open = OPEN_SEQUENCE.exec(text)?.[0] ?? '';
    this.#rest[from] = open;
    to.write(clean(text.slice(0, text.length - open.length)));
  }

  #to(from: From): NodeJS.WriteStream {
    return this.#toStderr || from === 'stderr' ? process.stderr : process.stdout;
  }
}
