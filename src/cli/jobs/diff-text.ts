import { StringDecoder } from 'node:string_decoder';
import { paint, print } from '../core/output.ts';

/** A difference as a person reads it: line by line, in git's colours, and harmless whatever it holds. */
export class DiffText {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** How many lines of the old and the new file the part under way still has: only they have a sign. */
  #left = { old: 0, new: 0 };

  /** Prints the lines that are complete. */
  write(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    if (lines.length > 0) print(lines.map((line) => this.#painted(line)).join('\n'));
  }

  end(): void {
    const last = this.#rest + this.#decoder.end();
    if (last !== '') print(this.#painted(last));
  }

  #painted(line: string): string {
    const left = this.#left;
    const sign = line.slice(0, 1);
    if (left.old > 0 || left.new > 0) {
      if (sign !== '+' && sign !== '\\') left.old -= 1;
      if (sign !== '-' && sign !== '\\') left.new -= 1;
      return sign === '+' ? paint('green', line) : sign === '-' ? paint('red', line) : line;
    }
    const part = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (part !== null) {
      this.#left = { old: Number(part[1] ?? 1), new: Number(part[2] ?? 1) };
      return paint('cyan', part[0]) + line.slice(part[0].length);
    }
    return /^(diff |index |--- |\+\+\+ |old mode|new mode|new file|deleted file|similarity|rename |copy )/.test(
      line,
    )
      ? paint('bold', line)
      : line;
  }
}
