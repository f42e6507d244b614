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

/** How many rows above and below the cursor an input box may reach. */
export const REACH = 24;
/** A piece of the text has so many characters without blanks at least. */
export const PIECE = 14;

/** How a text stands in the input box, as far as one look tells. A transcript above the box does not count. */
export function standing(shot: Shot, pasted: Pasted): Standing {
  if (standsAlone(shot, pasted)) return 'alone';
  const rows = shot.lines.slice(beginOfBox(shot, signOf(pasted.prompt)), endOfBox(shot));
  if (hasPiece(rows.map(bare).join(''), bare(pasted.text))) return 'part';
  return rows.some((row) => PLACEHOLDER.test(row)) ? 'folded' : 'none';
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
export function signOf(prompt: string): string {
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

/** True when a piece of a text, both without blanks, is among what is shown. */
export function hasPiece(shown: string, whole: string): boolean {
  const length = Math.min(PIECE, whole.length);
  for (let at = 0; at + length <= whole.length; at++)
    if (shown.includes(whole.slice(at, at + length))) return true;
  return false;
}
