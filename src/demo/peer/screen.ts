import { styleText } from 'node:util';
import { columnsOf, piecesOf } from '../../base/columns.ts';

const ESC = '\u001b';
const HINT = 'Enter submits · Ctrl-U clears · Ctrl-C quits';
const PROMPT = '> ';
const HISTORY_LINES = 500;

const STYLES = { plain: [], dim: ['dim'], good: ['green'], bad: ['red'] } as const;
type Tone = keyof typeof STYLES;

/**
 * The peer's screen: a title, what happened, and an input box at the bottom. It is drawn whole in one write, so a
 * resized terminal needs no special care and a half-drawn screen is never seen.
 */
export class PeerScreen {
  draft = '';
  readonly #title: string;
  readonly #history: { text: string; tone: Tone }[] = [];
  #state = '';

  constructor(title: string) {
    this.#title = title;
  }

  /** Turns bracketed paste on and draws the first screen. */
  open(): void {
    process.stdout.write(`${ESC}[?2004h`);
    process.stdout.on('resize', () => this.draw());
    this.draw();
  }

  /** Leaves the terminal as it was, the cursor below the last screen. */
  close(): void {
    process.stdout.write(`${ESC}[?2004l${ESC}[?25h\r\n`);
  }

  /** What the peer is doing, for the title. */
  set state(state: string) {
    this.#state = state;
    this.draw();
  }

  say(text: string, tone: Tone = 'plain'): void {
    this.#history.push({ text, tone });
    if (this.#history.length > HISTORY_LINES) this.#history.shift();
    this.draw();
  }

  draw(): void {
    // The last column stays free: a full line would wrap by itself.
    const columns = Math.max(10, (process.stdout.columns ?? 80) - 1);
    const rows = Math.max(3, process.stdout.rows ?? 24);
    const draft = fold(`${PROMPT}${this.draft.replaceAll('\n', `\n${' '.repeat(PROMPT.length)}`)}`, columns);
    const box = draft.slice(-Math.max(1, rows - 2));
    const rule = '─'.repeat(columns);
    const below = rows >= box.length + 4 ? [rule, styleText('dim', HINT.slice(0, columns))] : [];
    const above = rows >= box.length + 6 ? [rule] : [];
    const title = styleText('inverse', ` ${this.#title} · ${this.#state} `.slice(0, columns).padEnd(columns));
    const room = rows - 1 - above.length - box.length - below.length;
    const history = this.#history.flatMap(({ text, tone }) =>
      fold(text, columns).map((line) => styleText([...STYLES[tone]], line)),
    );
    const shown = room > 0 ? history.slice(-room) : [];
    const lines = [title, ...shown, ...above, ...box, ...below];
    const cursorRow = 1 + shown.length + above.length + box.length;
    const cursorColumn = columnsOf(box.at(-1) ?? '') + 1;
    const picture = lines.map((line) => `${line}${ESC}[K`).join('\r\n');
    process.stdout.write(
      `${ESC}[?25l${ESC}[H${picture}${ESC}[J${ESC}[${cursorRow};${cursorColumn}H${ESC}[?25h`,
    );
  }
}

function fold(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => (line === '' ? [''] : piecesOf(line, columns)));
}
