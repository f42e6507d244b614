const ESC = '\u001b';
const PASTE_BEGIN = `${ESC}[200~`;
const PASTE_END = `${ESC}[201~`;
/** A whole escape sequence of a key, and the beginning of one whose rest has not come yet. */
const SEQUENCE = new RegExp(`^${ESC}(?:\\[[0-?]*[ -/]*[@-~]|O.|[^[O])`);
const PARTIAL = new RegExp(`^${ESC}(?:\\[[0-?]*[ -/]*|O)?$`);
const CONTROLS = /\p{Cc}/u;

/** What the keyboard asks for. */
export interface KeyHandlers {
  /** Text that was typed, or pasted (then it may have several lines). */
  text(text: string): void;
  enter(): void;
  erase(): void;
  clear(): void;
  quit(): void;
}

/** Reads what a terminal in raw mode with bracketed paste sends, in pieces cut anywhere. */
export class Keyboard {
  readonly #handlers: KeyHandlers;
  #rest = '';

  constructor(handlers: KeyHandlers) {
    this.#handlers = handlers;
  }

  push(chunk: string): void {
    this.#rest += chunk;
    while (this.#rest !== '' && this.#take()) {
      // Each turn takes one key or one paste.
    }
  }

  /** Takes one key or paste from the front. @returns false when its end has not come yet */
  #take(): boolean {
    if (this.#rest.startsWith(PASTE_BEGIN)) {
      const end = this.#rest.indexOf(PASTE_END);
      if (end < 0) return false;
      const text = this.#rest.slice(PASTE_BEGIN.length, end).replace(/\r\n?/g, '\n');
      this.#rest = this.#rest.slice(end + PASTE_END.length);
      this.#handlers.text(text.replace(/(?!\n)\p{Cc}/gu, ''));
      return true;
    }
    if (PARTIAL.test(this.#rest)) return false;
    // Arrows, function keys and the like mean nothing here.
    const sequence = SEQUENCE.exec(this.#rest)?.[0];
    if (sequence !== undefined) {
      this.#rest = this.#rest.slice(sequence.length);
      return true;
    }
    const key = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0);
    this.#rest = this.#rest.slice(key.length);
    this.#press(key);
    return true;
  }

  #press(key: string): void {
    if (key === '\r') this.#handlers.enter();
    else if (key === '\u007f' || key === '\b') this.#handlers.erase();
    else if (key === '\u0015') this.#handlers.clear();
    else if (key === '\u0003') this.#handlers.quit();
    else if (!CONTROLS.test(key)) this.#handlers.text(key);
  }
}
