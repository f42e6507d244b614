/** Longer lines are skipped: legitimate ones are far shorter, and a client must not exhaust our memory. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** How much of a skipped line is kept from its beginning and its end, to find its id. */
const EDGE_BYTES = 1024;
const NEWLINE = 0x0a;

/** Receives what a line assembler found. */
export interface LineSink {
  /** One line without its newline. */
  line(text: string): void;
  /** A line longer than `MAX_LINE_BYTES`: its first and its last KB. */
  tooLong(head: string, tail: string): void;
}

/**
 * Cuts a byte stream into lines in linear time: a line's chunks are joined once, when its newline arrives. (Joining on
 * every chunk is quadratic: 0.8 s for 10 MB.)
 */
export class LineAssembler {
  readonly #sink: LineSink;
  readonly #max: number;
  #chunks: Buffer[] = [];
  #size = 0;
  /** First and last bytes of the line that is being skipped. */
  #skipped: { head: Buffer; tail: Buffer } | undefined;

  constructor(sink: LineSink, maxLineBytes = MAX_LINE_BYTES) {
    this.#sink = sink;
    this.#max = maxLineBytes;
  }

  /** Takes the next bytes; the sink is called before it returns. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.end();
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  /** Ends the line, on a newline or at the end of the stream. */
  end(): void {
    if (this.#skipped !== undefined) {
      const { head, tail } = this.#skipped;
      this.#skipped = undefined;
      this.#sink.tooLong(head.toString('utf8'), tail.toString('utf8'));
    } else if (this.#size > 0) {
      const bytes = this.#joinChunks();
      this.#sink.line(bytes.toString('utf8'));
    }
  }

  #add(bytes: Buffer): void {
    if (this.#skipped !== undefined) {
      this.#skipped.tail = lastBytes([this.#skipped.tail, bytes]);
      return;
    }
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    if (this.#size <= this.#max) return;
    const whole = this.#joinChunks();
    // Copies, so that the 64 MB can be freed while the rest of the line is skipped.
    this.#skipped = { head: Buffer.from(whole.subarray(0, EDGE_BYTES)), tail: lastBytes([whole]) };
  }

  #joinChunks(): Buffer {
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    return whole;
  }
}

function lastBytes(parts: Buffer[]): Buffer {
  return Buffer.concat(parts.map((part) => part.subarray(-EDGE_BYTES))).subarray(-EDGE_BYTES);
}
