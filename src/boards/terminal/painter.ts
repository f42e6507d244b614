import ansi from 'ansi-escapes';
import type { Size } from './layout.ts';

/** The size of a terminal that does not say. */
const USUAL: Size = { columns: 80, rows: 24 };
/** Off: what is drawn wider than it was counted ends at the edge, and no line spills into the next one. */
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';

/** A place on the screen, from 0. */
export interface Place {
  x: number;
  y: number;
}

/**
 * What Ink takes for its terminal. Ink hands over whole pictures (its `debug` mode); of each only the lines that have
 * changed are written, every one at its own place, in one write. Ink's own ways of drawing are not for a whole screen:
 * the one empties the scrollback as well, the other counts its lines wrongly (6.8.0).
 */
export class Painter {
  readonly isTTY = false;
  readonly #out: NodeJS.WriteStream;
  readonly #cursor: () => Place | undefined;
  #lines: string[] = [];
  #on = false;

  /** @param cursor where the terminal's own cursor is; nowhere when it is hidden */
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

  /** Takes the alternate screen. */
  begin(): void {
    this.#on = true;
    this.#out.write(ansi.enterAlternativeScreen + WRAP_OFF);
    this.forget();
  }

  /** Gives the screen back as it was. */
  end(): void {
    if (!this.#on) return;
    this.#on = false;
    this.#out.write(WRAP_ON + ansi.exitAlternativeScreen + ansi.cursorShow);
  }

  /** After a change of size the screen's content is unknown: the next picture is drawn whole. */
  forget(): void {
    this.#lines = [];
    this.#out.write(ansi.cursorHide + ansi.eraseScreen);
  }

  /** Takes a picture from Ink. */
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

  /** Ink listens for changes of size; it hears of them with the next picture. */
  on(): this {
    return this;
  }

  off(): this {
    return this;
  }
}
