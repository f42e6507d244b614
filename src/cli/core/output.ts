import { styleText } from 'node:util';
import { systemCode } from '../../base/errors.ts';
import { randomSuffix } from '../../base/ids.ts';
import { clean, harmlessJson } from '../../base/text.ts';
import { EXIT } from './exit.ts';

type Style = Parameters<typeof styleText>[0];

const ESC = '\u001b';
/** Replaces ESC in our own colours until the text around them is harmless. Nobody else knows it. */
const OWN_ESC = randomSuffix() + randomSuffix();
const OWN_COLOURS = new RegExp(`${OWN_ESC}(\\[[0-9;]*m)`);

/** For a terminal without a size, such as those of `script`, `expect` and CI services. */
const USUAL_COLUMNS = 80;

/** What to do when the reader of stdout has gone, such as a `head` that has read enough. */
let readerGone = (): void => process.exit();
let watching = false;

/** Exits when the reader of stdout has gone; other write errors on stdout are reported, those on stderr ignored. */
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

/** For a command whose exit code still matters when its reader has gone. */
export function onReaderGone(act: () => void): void {
  readerGone = act;
}

/** A text for a person, on stdout: harmless whatever it holds, in our own colours. */
export function print(text: string): void {
  process.stdout.write(`${harmless(text)}\n`);
}

/** An answer for a program, which may still end up on a terminal. */
export function printJson(value: unknown): void {
  process.stdout.write(`${harmlessJson(value)}\n`);
}

/** Prints a command's answer as JSON or as text. @returns the exit code of success */
export function printAnswer(json: boolean, value: unknown, text: string): number {
  if (json) printJson(value);
  else print(text);
  return EXIT.done;
}

/** Prints a sentence for a person to stderr, apart from the output. */
export function note(text: string): void {
  process.stderr.write(`mam: ${harmless(text)}\n`);
}

/** @returns `code`, after one sentence on stderr */
export function fail(text: string, code: number): number {
  note(text);
  return code;
}

/** A text in a colour, if colours are wanted. Print it with `print`, which removes all other colours. */
export function paint(style: Style, text: string): string {
  if (!isColoured()) return text;
  const [begin = '', end = ''] = styleText(style, '\n').replaceAll(ESC, OWN_ESC).split('\n');
  return begin + text + end;
}

function harmless(text: string): string {
  return text
    .split(OWN_COLOURS)
    .map((part, index) => (index % 2 === 0 ? clean(part) : ESC + part))
    .join('');
}

export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/** The width of a terminal in columns, or a usual one if it is unknown; Infinity for anything else. */
export function terminalColumns(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.isTTY === true ? stream.columns || USUAL_COLUMNS : Number.POSITIVE_INFINITY;
}

/** True when a line on stderr can be redrawn. */
export function isLive(): boolean {
  return process.stderr.isTTY === true && terminal() !== 'dumb';
}

/** True when a whole screen can be drawn and keys can be read. */
export function isBoardPossible(): boolean {
  return process.stdin.isTTY === true && isTerminal() && terminal() !== 'dumb';
}

/** True on a terminal whose user has not turned colours off (no-color.org). */
export function isColoured(): boolean {
  // biome-ignore lint/style/noProcessEnv: every terminal program reads this; it is not a setting of ours
  const { NO_COLOR } = process.env;
  return isTerminal() && (NO_COLOR ?? '') === '' && terminal() !== 'dumb';
}

function terminal(): string | undefined {
  // biome-ignore lint/style/noProcessEnv: as above
  return process.env['TERM'];
}
