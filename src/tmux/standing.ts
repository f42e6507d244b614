import { bare, PLACEHOLDER } from './own-text.ts';
import type { Shot } from './screen.ts';

/** A text of ours, and the prompt: what stood before the cursor in its row before the paste. */
export interface Pasted {
  text: string;
  prompt: string;
  /** The program's other screen was shown then: on this one nothing of the box is seen. */
  alternate?: boolean | undefined;
  /** What the program shows in the place of the text, where that was seen a moment ago. */
  placeholder?: string | undefined;
}

/**
 * How a text of ours stands at the cursor: `alone` is whole and untouched, with nothing beside it; `part` is a piece of
 * it, or all of it beside other words; `folded` is a placeholder, which may stand for it or for a person's words; `none`
 * is no trace, and no proof that it has left the box.
 */
export type Standing = 'alone' | 'part' | 'folded' | 'none';

/** How a text was seen since its paste. */
export interface Sighting {
  /** Its own words were on the screen. */
  text?: boolean | undefined;
  /** It stood at the cursor: an empty box at the cursor is its box. */
  cursor?: boolean | undefined;
  /** The placeholder that its program has shown for it. */
  placeholder?: string | undefined;
}

/** How many rows above and below the cursor an input box may reach. */
export const REACH = 24;
/** A piece of the text has so many characters without blanks at least. */
const PIECE = 14;

/** How a text stands in the input box, as far as one look tells. A transcript above the box does not count. */
export function standing(shot: Shot, pasted: Pasted): Standing {
  if (standsAlone(shot, pasted)) return 'alone';
  const rows = shot.lines.slice(beginOfBox(shot, signOf(pasted.prompt)), endOfBox(shot));
  if (hasPiece(rows.map(bare).join(''), bare(pasted.text))) return 'part';
  return rows.some((row) => PLACEHOLDER.test(row)) ? 'folded' : 'none';
}

/**
 * True where the screen shows that a text has left its box: the box at the cursor is as it was before the paste, or an
 * empty one stands below the text, or nothing is left of words that were seen. That it is not at the cursor is not enough.
 */
export function hasLeft(shot: Shot, pasted: Pasted, seen: Sighting): boolean {
  if (standing(shot, pasted) !== 'none' || (pasted.alternate ?? shot.alternate) !== shot.alternate)
    return false;
  const isUnknown = seen.text !== true && seen.placeholder === undefined;
  if (boxOf(shot, pasted) === 'empty' && (seen.cursor === true || isUnknown)) return true;
  const { lines } = shot;
  if (hasEmptyBoxBelow(lines, seen.text === true ? pasted.text : seen.placeholder)) return true;
  const isNowhere =
    !hasPiece(lines.map(bare).join(''), bare(pasted.text)) && !lines.some((row) => PLACEHOLDER.test(row));
  return !isUnknown && isNowhere;
}

/** What stands before the cursor, against what stood there before the paste: the same, more, or another prompt. */
export function boxOf(shot: Shot, { prompt }: Pasted): 'empty' | 'filled' | 'other' {
  const [before, now] = [signOf(prompt), signOf(promptOf(shot))];
  if (now === before) return 'empty';
  return before !== '' && now.startsWith(before) ? 'filled' : 'other';
}

/** True where a row below the text reads as the text's own row does before it. */
export function hasEmptyBoxBelow(lines: string[], text: string | undefined): boolean {
  const begin = bare(text ?? '').slice(0, PIECE);
  const rows = lines.map(bare);
  const row = begin === '' ? -1 : rows.findLastIndex((one) => one.includes(begin));
  const sign = signOf((rows[row] ?? '').split(begin)[0] ?? '');
  return sign !== '' && rows.slice(row + 1).some((one) => signOf(one) === sign);
}

/** True when a text stands at the cursor whole and untouched, with nothing beside it. */
export function standsAlone(shot: Shot, { text, prompt, placeholder }: Pasted): boolean {
  const { cursor_y: cursor, lines } = shot;
  const sign = signOf(prompt);
  const from = beginOfBox(shot, sign);
  const upToCursor = lines
    .slice(from, cursor + 1)
    .map(bare)
    .join('');
  const shows = (words: string): boolean => {
    // An empty row with the cursor is a line break behind it, or where its program goes on.
    if (words === '' || bare(lines[cursor] ?? '') === '' || !upToCursor.endsWith(words)) return false;
    const before = upToCursor.slice(0, -words.length);
    return signOf(before) === sign || !/[\p{L}\p{N}]/u.test(before);
  };
  return shows(bare(text)) || shows(bare(placeholder ?? ''));
}

/** What stands before the cursor in its row. */
export function promptOf({ lines, cursor_x: x, cursor_y: y }: Shot): string {
  return (lines[y] ?? '').slice(0, x).trimEnd();
}

/** A prompt as it can be known again: some count, or tell the time. */
function signOf(prompt: string): string {
  return bare(prompt).replace(/\d+/g, '0');
}

/** The last row up to the cursor that begins with the prompt; without one, the first of the rows on end above it. */
function beginOfBox({ cursor_y: cursor, lines }: Shot, sign: string): number {
  const top = Math.max(0, cursor - REACH);
  const at = (row: number) => bare(lines[row] ?? '');
  for (let row = cursor; sign !== '' && row >= top; row--)
    if (signOf(lines[row] ?? '').startsWith(sign)) return row;
  let row = cursor;
  while (row > top && at(row) !== '' && at(row - 1) !== '') row--;
  return row;
}

/** The row behind the last one on end below the cursor: a footer, which may quote us, stands apart. */
export function endOfBox({ cursor_y: cursor, lines }: Shot): number {
  let row = cursor + 1;
  while (row < cursor + REACH && bare(lines[row] ?? '') !== '') row++;
  return row;
}

function hasPiece(shown: string, whole: string): boolean {
  const length = Math.min(PIECE, whole.length);
  for (let at = 0; at + length <= whole.length; at++)
    if (shown.includes(whole.slice(at, at + length))) return true;
  return false;
}
