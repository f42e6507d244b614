import { emitKeypressEvents, type Key } from 'node:readline';

const NO_TEXT = /\p{Cc}/u;

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
export function readKeys(input: NodeJS.ReadableStream, on: KeyHandlers): void {
  let pasted: string | undefined;
  emitKeypressEvents(input);
  input.on('keypress', (_: unknown, { name, sequence = '', ctrl }: Key) => {
    if (name === 'paste-start') pasted = '';
    else if (name === 'paste-end') {
      on.text((pasted ?? '').replace(/\r\n?/g, '\n').replace(/(?!\n)\p{Cc}/gu, ''));
      pasted = undefined;
    } else if (pasted !== undefined) pasted += sequence;
    else if (name === 'return') on.enter();
    else if (name === 'backspace') on.erase();
    else if (ctrl && name === 'u') on.clear();
    else if (ctrl && name === 'c') on.quit();
    else if (!NO_TEXT.test(sequence)) on.text(sequence);
  });
}
