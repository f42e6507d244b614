import ansi from 'ansi-escapes';
import type { Size } from './layout.ts';

/** The size assumed for a terminal that does not report one. */
const USUAL: Size = { columns: 80, rows: 24 };
/** Line wrap off: text that is wider than counted ends at the edge instead of spilling into the next line. */
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';

/** A position on the screen, from 0. */
export interface Place {
  x: number;
  y: number;
}

/**
 * What Ink uses as its terminal. Ink passes whole pictures (its `debug` mode); only the changed lines are written, each
 * at its position, all in one write. Ink's own ways of drawing do not suit a full screen: one also clears the
 * scrollback, the other miscounts lines (6.8.0).
 */
export class Painter {
  readonly isTTY = false;
  readonly #out: NodeJS.WriteStream;
  readonly #cursor: () => Place | undefined;
  #lines: string[] = [];
  #on = false;

  /** @param cursor where the terminal's own cursor is; undefined while it is hidden */
  constructor(out: NodeJS.WriteStream, cursor: () => Place | undefined) {
    this.#out = out;
    this.#cursor = cursor;
  }

  get columns(): number {
    return this.#out.columns || USUAL.columns;
  }

  get rows(): number {
    return this.#out.rows || USUAL.rows;
  }

  /** Switches to the alternate screen. */
  begin(): void {
    this.#on = true;
    this.#out.write(ansi.enterAlternativeScreen + WRAP_OFF);
    this.forget();
  }

  end(): void {
    if (!this.#on) return;
    this.#on = false;
    this.#out.write(WRAP_ON + ansi.exitAlternativeScreen + ansi.cursorShow);
  }

  /** After a resize the screen's content is unknown, so the next picture is drawn whole. */
  forget(): void {
    this.#lines = [];
    this.#out.write(ansi.cursorHide + ansi.eraseScreen);
  }

  ring(): void {
    this.#out.write(ansi.beep);
  }

  write(picture: string): boolean {
    if (!this.#on || picture === '') return true;
    const lines = picture.split('\n').slice(0, this.rows);
    let changes = '';
    for (const [y, line] of lines.entries()) {
      if (line !== this.#lines[y]) changes += ansi.cursorTo(0, y) + ansi.eraseEndLine + line;
    }
    const gone = this.#lines.length > lines.length ? ansi.cursorTo(0, lines.length) + ansi.eraseDown : '';
    const place = this.#cursor();
    const cursor = place === undefined ? ansi.cursorHide : ansi.cursorTo(place.x, place.y) + ansi.cursorShow;
    this.#lines = lines;
    this.#out.write(ansi.beginSynchronizedOutput + changes + gone + cursor + ansi.endSynchronizedOutput);
    return true;
  }

  /** Ink listens for resizes; it notices them with the next picture. */
  on(): this {
    return this;
  }

  off(): this {
    return this;
  }
}
