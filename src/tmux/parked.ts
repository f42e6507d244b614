import { columnsOf } from '../base/columns.ts';
import { hasEmptyBoxBelow } from './has-left.ts';
import { bare, locate } from './own-text.ts';
import type { Shot } from './screen.ts';
import { endOfBox, type Pasted, PIECE, signOf, standsAlone } from './standing.ts';

/** A frame at the end of a row. */
const FRAME = /[\s|│┃║]+$/u;

/**
 * A text alone in the box of a program whose cursor is parked in the box's last row or below it, as before the paste.
 * @param before the screen before the paste
 * @returns the text with the prompt of its box; undefined if the screen does not show all of that
 */
export function parkedIn(shot: Shot, pasted: Pasted, before: string[]): Pasted | undefined {
  const { parked, text } = pasted;
  const { lines, cursor_x: x, cursor_y: y } = shot;
  if (parked === undefined || x !== parked.x || y !== parked.y) return undefined;
  const { count, first, last } = locate(lines, text);
  if (last < 0 || last > y || locate(before, text).count >= count) return undefined;
  const [prompt = ''] = bare(lines[first] ?? '').split(bare(text).slice(0, PIECE));
  if (prompt === '' || !before.some((row) => signOf(row) === signOf(prompt))) return undefined;
  if (hasEmptyBoxBelow(lines, text)) return undefined;
  const cursor_x = columnsOf((lines[last] ?? '').replace(FRAME, ''));
  const there = { ...shot, cursor_x, cursor_y: last };
  const isBelow = lines.slice(last + 1, endOfBox(there)).every((row) => before.includes(row));
  const found = { ...pasted, prompt };
  return isBelow && standsAlone(there, found) ? found : undefined;
}
