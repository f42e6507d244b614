/** The output of one tmux command, between its `%begin` and its `%end` or `%error`. */
export interface Block {
  lines: string[];
  /** True when tmux ended it with `%error`; the lines are the message then. */
  failed: boolean;
  /** True when the command came in through this client's stdin; false for the first one and for hooks. */
  ours: boolean;
}

/**
 * Splits the stream of a tmux control client into blocks and notifications. A block ends only with the time and number
 * that it began with: captured text that looks like a control line does no harm.
 */
export class FrameReader {
  readonly #onBlock: (block: Block) => void;
  readonly #onNotice: (line: string) => void;
  #rest = '';
  #open: { tag: string; block: Block } | undefined;

  constructor(onBlock: (block: Block) => void, onNotice: (line: string) => void) {
    this.#onBlock = onBlock;
    this.#onNotice = onNotice;
  }

  /** Takes the next piece of the stream, split anywhere; calls back for every complete block and notification in it. */
  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#addLine(line);
  }

  #addLine(line: string): void {
    const open = this.#open;
    if (open === undefined) {
      const begin = /^%begin (\d+ \d+) (\d+)$/.exec(line);
      if (begin === null) this.#onNotice(line);
      else this.#open = { tag: begin[1] ?? '', block: { lines: [], failed: false, ours: begin[2] === '1' } };
      return;
    }
    const ended = line.startsWith(`%end ${open.tag} `);
    if (ended || line.startsWith(`%error ${open.tag} `)) {
      open.block.failed = !ended;
      this.#open = undefined;
      this.#onBlock(open.block);
    } else {
      open.block.lines.push(line);
    }
  }
}
