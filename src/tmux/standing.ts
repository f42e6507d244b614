import { columnsOf } from '../base/columns.ts';
import { bare, PLACEHOLDER } from './own-text.ts';
import type { Shot } from './screen.ts';

/** A text of ours, and the prompt, which is what was before the cursor in its row before the paste. */
export interface Pasted {
  text: string;
  prompt: string;
  /** Whether the alternate screen was shown then: the other screen shows nothing of the box. */
  alternate?: boolean | undefined;
  /** The row above the prompt before the paste, if known: the only bound of a box without a prompt. */
  above?: string | undefined;
  /** The cursor, if it was in a row without a prompt. */
  parked?: { x: number; y: number } | undefined;
  /** Another text may be hidden in the box: ours counts only if all of it is seen. */
  mustBeWhole?: boolean | undefined;
  /** What the program just showed in place of the text. */
  placeholder?: string | undefined;
}

/**
 * How much of a text of ours is at the cursor: `alone`: complete and unchanged, with nothing next to it; `part`: a piece of
 * it, or all of it next to other words; `folded`: a placeholder for it or for a person's words; `none`: no trace of it,
 * which does not prove that it has left the box.
 */
export type Standing = 'alone' | 'part' | 'folded' | 'none';

/** How many rows above and below the cursor an input box may reach. */
export const REACH = 100;
/** The minimum length of a piece of a text, in characters without blanks. */
export const PIECE = 14;
/** The same for the end of a text whose beginning does not fit on the screen. */
const END = 24;
/** The upper edge of a box, which may say how much of it has scrolled out. */
const EDGE = /[─━▔▀▄╌═]{3}/;
/** A separate column, this far to the right of a box. */
const ASIDE = /(?<=\S {8,})\S.*$/;
/** What a program writes before each further row of its box: a number, or dots. */
const LEAD = /^[\s│┃|]*(?:\d{1,4}[.:)]?|\.{2,4}:?|[>»·…:+~]{1,3})(?=\s|$)/;
/** The minimum length of a piece in the cursor's row, if the row has no room for more. */
const ROW_PIECE = 6;
/** A row that ends this close (columns) to the edge of its pane is full: the cursor may be in the next one. */
const NARROW = 8;
/** In panes narrower than this (columns), a row may hold less than a piece of a text. */
const NARROW_PANE = 40;

/** How much of a text is in the input box, as far as one look shows. A transcript above the box does not count. */
export function standing(shot: Shot, pasted: Pasted): Standing {
  if (standsAlone(shot, pasted)) return 'alone';
  const rows = shot.lines.slice(beginOfBox(shot, pasted.prompt), endOfBox(shot));
  const shown = rows.map(bare).join('');
  const instead = bare(pasted.placeholder ?? '');
  const row = bare(shot.lines[shot.cursor_y] ?? '');
  const isPiece = row.length >= ROW_PIECE && shot.width < NARROW_PANE && bare(pasted.text).includes(row);
  if (isPiece || hasPiece(shown, bare(pasted.text)) || (instead !== '' && shown.includes(instead)))
    return 'part';
  return rows.some((row) => PLACEHOLDER.test(row)) ? 'folded' : 'none';
}

/** True when a text is at the cursor, complete and unchanged, with nothing next to it. */
export function standsAlone(shot: Shot, pasted: Pasted): boolean {
  const { cursor_x: x, cursor_y: y } = shot;
  const rows = shot.lines.slice(0, y + 1);
  const inside = rows.map((row) => row.replace(ASIDE, ''));
  const last = inside[y] ?? '';
  const isAside = x <= columnsOf(last) && last !== rows[y];
  return [pasted.text, pasted.placeholder ?? ''].some((text) => {
    const words = bare(text);
    if (words === '') return false;
    if (isAlone(rows, words, pasted, shot) || (isAside && isAlone(inside, words, pasted, shot))) return true;
    const led = withoutLeads(rows, pasted.prompt);
    return led !== undefined && isAlone(led, words, pasted, shot);
  });
}

/** What is before the cursor in its row. */
export function promptOf({ lines, cursor_x: x, cursor_y: y }: Shot): string {
  let prompt = '';
  for (const character of lines[y] ?? '') {
    if (columnsOf(prompt + character) > x) break;
    prompt += character;
  }
  return prompt.trimEnd();
}

/** The characters of spinners. */
const SPINNER = /[\u2800-\u28ff◐-◓◴-◷]/gu;

/** The constant part of a prompt: some prompts have a counter, a clock or a spinner. */
export function signOf(prompt: string): string {
  return bare(prompt).replace(SPINNER, '').replace(/\d+/g, '0');
}

/** The row in which the input box begins: the last one with the prompt; without a prompt, the first without a gap. */
export function beginOfBox({ cursor_y: cursor, lines }: Shot, prompt: string): number {
  const sign = signOf(prompt);
  const top = Math.max(0, cursor - REACH);
  const at = (row: number) => signOf(lines[row] ?? '');
  // Before the paste, part of an example may have been before the cursor.
  if (at(cursor) !== '' && sign.startsWith(at(cursor))) return cursor;
  for (let row = cursor; sign !== '' && row >= top; row--) if (at(row).startsWith(sign)) return row;
  let row = cursor;
  while (row > top && at(row) !== '' && at(row - 1) !== '') row--;
  return row;
}

/** Whether rows, the last of which is the cursor's, end in a box with these words and nothing else. */
function isAlone(rows: string[], words: string, pasted: Pasted, { width }: Shot): boolean {
  const { prompt, above, mustBeWhole = false } = pasted;
  const sign = signOf(prompt);
  const upper = bare(above ?? '');
  let last = rows.length - 1;
  // An empty row with the cursor is a line break after the text, unless the row above is full.
  if (bare(rows[last] ?? '') === '' && --last >= 0 && !isFull(rows[last] ?? '', width)) return false;
  let shown = '';
  for (let row = last; row >= 0; row--) {
    // The beginning of a text that is larger than its box has scrolled out of it.
    const isCut = sign !== '' && shown.length >= END && EDGE.test(rows[row] ?? '');
    if (isCut && shown.length < words.length) return !mustBeWhole;
    shown = bare(rows[row] ?? '') + shown;
    // A box of one row shows only the end of the text after the prompt.
    if (row === last && !mustBeWhole && isFull(rows[row] ?? '', width) && isEndBehind(shown, words, prompt))
      return true;
    const rest = shown.length - words.length;
    if (rest < 0 ? !words.endsWith(shown) : !shown.endsWith(words)) return false;
    if (rest < 0) continue;
    const before = shown.slice(0, rest);
    if (sign !== '' && before !== '') return signOf(before) === sign;
    if (sign !== '') continue;
    if (/[\p{L}\p{N}]/u.test(before)) return false;
    const next = bare(rows[row - 1] ?? '');
    if (next === '' || next === upper) return true;
  }
  return !mustBeWhole && sign !== '' && shown.length >= END && shown.length < words.length;
}

function isEndBehind(shown: string, words: string, prompt: string): boolean {
  const begin = bare(prompt);
  const end = shown.slice(begin.length);
  return begin !== '' && shown.startsWith(begin) && end.length >= END && words.endsWith(end);
}

/** The rows without what the program writes before each further row of its box, if that is always the same. */
function withoutLeads(rows: string[], prompt: string): string[] | undefined {
  const sign = signOf(prompt);
  const begin = sign === '' ? -1 : rows.findLastIndex((row) => signOf(row).startsWith(sign));
  const further = rows.slice(begin + 1);
  const leads = further.map((row) => LEAD.exec(row)?.[0]);
  const isSame = leads.every((lead) => lead !== undefined && signOf(lead) === signOf(leads[0] ?? ''));
  if (begin < 0 || further.length === 0 || !isSame) return undefined;
  return [...rows.slice(0, begin + 1), ...further.map((row) => row.replace(LEAD, ''))];
}

function isFull(row: string, width: number): boolean {
  return columnsOf(row.replace(/[\s|│┃║]+$/u, '')) >= width - NARROW;
}

/** The row after the last one without a gap below the cursor: a footer, which may quote us, has a gap before it. */
export function endOfBox({ cursor_y: cursor, lines }: Shot): number {
  let row = cursor + 1;
  while (row < cursor + REACH && bare(lines[row] ?? '') !== '') row++;
  return row;
}

/** True when a piece of a text is shown; both without blanks. */
export function hasPiece(shown: string, whole: string): boolean {
  const length = Math.min(PIECE, whole.length);
  for (let at = 0; at + length <= whole.length; at++)
    if (shown.includes(whole.slice(at, at + length))) return true;
  return false;
}
