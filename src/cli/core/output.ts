import { styleText } from 'node:util';
import { systemCode } from '../../errors.ts';
import { clean } from '../../job/text.ts';
import { EXIT } from './exit.ts';

type Style = Parameters<typeof styleText>[0];

/** Of a terminal that was made without a size, as `script`, `expect` and build services make them. */
const USUAL_COLUMNS = 80;

/** What happens when the reader of stdout has gone; a reader such as `head` may just have enough. */
let readerGone = (): void => process.exit();
let watching = false;

/** Ends with the reader of stdout; an output that can't be written is an error. What stderr loses is lost. */
export function endWithReader(): void {
  if (watching) return;
  watching = true;
  process.stdout.on('error', (error) => {
    if (systemCode(error) === 'EPIPE') readerGone();
    else {
      note(`stdout cannot be written (${systemCode(error) ?? 'unknown reason'}).`);
      process.exit(EXIT.unavailable);
    }
  });
  process.stderr.on('error', () => {});
}

/** For a command whose exit code says more than that its reader has gone. */
export function onReaderGone(act: () => void): void {
  readerGone = act;
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** A sentence for a person beside the output, on stderr. */
export function note(text: string): void {
  process.stderr.write(`mam: ${clean(text)}\n`);
}

/** @returns `code`, after one sentence on stderr */
export function fail(text: string, code: number): number {
  note(text);
  return code;
}

/** A text in a colour, on a terminal whose user has nothing against it (no-color.org). */
export function paint(style: Style, text: string): string {
  return isColoured() ? styleText(style, text) : text;
}

/** True when a person reads stdout. */
export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/** How many columns a terminal has; one that does not know it counts as a usual one. Infinity for no terminal. */
export function terminalColumns(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.isTTY === true ? stream.columns || USUAL_COLUMNS : Number.POSITIVE_INFINITY;
}

/** True when a line on stderr can be drawn over: nothing moves where nobody looks. */
export function isLive(): boolean {
  return process.stderr.isTTY === true && terminal() !== 'dumb';
}

/** True where a whole screen can be drawn and keys be read. */
export function isBoardPossible(): boolean {
  return process.stdin.isTTY === true && isTerminal() && terminal() !== 'dumb';
}

/** True on a terminal whose user has nothing against colours (no-color.org). */
export function isColoured(): boolean {
  // biome-ignore lint/style/noProcessEnv: what every program of a terminal reads is no setting of ours
  const { NO_COLOR } = process.env;
  return isTerminal() && (NO_COLOR ?? '') === '' && terminal() !== 'dumb';
}

function terminal(): string | undefined {
  // biome-ignore lint/style/noProcessEnv: as above
  return process.env['TERM'];
}
