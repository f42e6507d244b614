import { bare } from './own-text.ts';
import type { Shot } from './screen.ts';

/** A text of ours, and the prompt: what stood before the cursor in its row before the paste. */
export interface Pasted {
  text: string;
  prompt: string;
  /** What the program shows in the place of the text, where that was seen a moment ago. */
  placeholder?: string | undefined;
}

/**
 * How a text of ours stands at the cursor: `alone` is whole and untouched, with nothing beside it; `part` is a piece of
 * it, or all of it beside other words; `none` is no trace.
 */
export type Standing = 'alone' | 'part' | 'none';

/** How many rows above and below the cursor an input box may reach. */
const REACH = 24;
/** A piece of the text has so many characters without blanks at least. */
const PIECE = 14;

/** How a text stands in the input box, as far as one look tells. A transcript above the box does not count. */
export function standing(shot: Shot, pasted: Pasted): Standing {
  if (standsAlone(shot, pasted)) return 'alone';
  const rows = shot.lines.slice(beginOfBox(shot, signOf(pasted.prompt)), endOfBox(shot));
  const shown = rows.map(bare).join('');
  return hasPiece(shown, bare(pasted.text)) ? 'part' : 'none';
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
function endOfBox({ cursor_y: cursor, lines }: Shot): number {
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
