import { styleText } from 'node:util';
import { systemCode } from '../../base/errors.ts';
import { randomSuffix } from '../../base/ids.ts';
import { clean, harmlessJson } from '../../base/text.ts';
import { EXIT } from './exit.ts';

type Style = Parameters<typeof styleText>[0];

const ESC = '\u001b';
/** Stands for ESC in our own colours until the text around them is harmless. Nobody else knows it. */
const OWN_ESC = randomSuffix() + randomSuffix();
const OWN_COLOURS = new RegExp(`${OWN_ESC}(\\[[0-9;]*m)`);

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

/** A text for a person, on stdout: harmless whatever it holds, in our own colours. */
export function print(text: string): void {
  process.stdout.write(`${harmless(text)}\n`);
}

/** An answer for a program, which may all the same end up on a terminal. */
export function printJson(value: unknown): void {
  process.stdout.write(`${harmlessJson(value)}\n`);
}

/** A sentence for a person beside the output, on stderr. */
export function note(text: string): void {
  process.stderr.write(`mam: ${harmless(text)}\n`);
}

/** @returns `code`, after one sentence on stderr */
export function fail(text: string, code: number): number {
  note(text);
  return code;
}

/**
 * A text in a colour, on a terminal whose user has nothing against it (no-color.org). It must be printed by `print`,
 * which keeps no colours but these.
 */
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
