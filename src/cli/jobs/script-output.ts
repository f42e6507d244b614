import { StringDecoder } from 'node:string_decoder';
import { clean } from '../../base/text.ts';

const NEWLINE = 0x0a;

/** An unfinished escape sequence at the end of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const OPEN_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b\n]*)?$/;

/**
 * Passes a script's output on as it comes: byte for byte into a pipe or a file, but sanitized for a terminal, since
 * it may show what a peer has written.
 */
export class ScriptOutput {
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  readonly #rest = { stdout: '', stderr: '' };
  readonly #stdout: NodeJS.WriteStream;
  #inLine = false;

  /** @param toStderr true when stdout is for something else */
  constructor(toStderr: boolean) {
    this.#stdout = toStderr ? process.stderr : process.stdout;
  }

  /** Ends the last line, so that stdout continues on a new one. */
  end(): void {
    if (this.#inLine) process.stdout.write('\n');
  }

  write(chunk: Buffer, from: 'stdout' | 'stderr'): void {
    const to = from === 'stdout' ? this.#stdout : process.stderr;
    if (to === process.stdout) this.#inLine = chunk.at(-1) !== NEWLINE;
    if (!to.isTTY) {
      to.write(chunk);
      return;
    }
    const text = this.#rest[from] + this.#decoders[from].write(chunk);
    // Held back; a sequence that never ends is not shown.
    const open = OPEN_SEQUENCE.exec(text)?.[0] ?? '';
    this.#rest[from] = open;
    to.write(clean(text.slice(0, text.length - open.length)));
  }
}
