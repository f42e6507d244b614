import { bare, PLACEHOLDER } from './own-text.ts';
import type { Shot } from './screen.ts';
import { hasPiece, type Pasted, PIECE, promptOf, signOf, standing } from './standing.ts';

/** How a text has been seen since its paste. */
export interface Sighting {
  /** Its own words were on the screen. */
  text?: boolean | undefined;
  /** It was at the cursor, so an empty box at the cursor is its box. */
  cursor?: boolean | undefined;
  /** What its program showed in its place. */
  placeholder?: string | undefined;
}

/**
 * True if the screen shows that a text has left its box: the box at the cursor is as it was before the paste, or there is
 * an empty one below the text, or words that were seen are all gone. It is not enough that the text is not at the cursor.
 */
export function hasLeft(shot: Shot, pasted: Pasted, seen: Sighting): boolean {
  if (hasEmptyBox(shot, pasted, seen)) return true;
  if (standing(shot, pasted) !== 'none' || isOther(shot, pasted)) return false;
  const { lines } = shot;
  const isNowhere =
    !hasPiece(lines.map(bare).join(''), bare(pasted.text)) && !lines.some((row) => PLACEHOLDER.test(row));
  return !isUnknown(seen) && isNowhere;
}

/** True if the box itself is seen to be empty: a text that is just not visible may be hidden by another view. */
export function hasEmptyBox(shot: Shot, pasted: Pasted, seen: Sighting): boolean {
  if (standing(shot, pasted) !== 'none' || isOther(shot, pasted)) return false;
  if (boxOf(shot, pasted) === 'empty' && (seen.cursor === true || isUnknown(seen))) return true;
  return hasEmptyBoxBelow(shot.lines, seen.text === true ? pasted.text : seen.placeholder);
}

function isUnknown({ text, placeholder }: Sighting): boolean {
  return text !== true && placeholder === undefined;
}

function isOther({ alternate }: Shot, pasted: Pasted): boolean {
  return (pasted.alternate ?? alternate) !== alternate;
}

/** Compares what is before the cursor with the prompt before the paste: the same, more, or another prompt. */
export function boxOf(shot: Shot, { prompt }: Pasted): 'empty' | 'filled' | 'other' {
  const [before, now] = [signOf(prompt), signOf(promptOf(shot))];
  if (now === before) return 'empty';
  return before !== '' && now.startsWith(before) ? 'filled' : 'other';
}

/** True if a row below the text equals the prompt before the text. */
export function hasEmptyBoxBelow(lines: string[], text: string | undefined): boolean {
  const begin = bare(text ?? '').slice(0, PIECE);
  const rows = lines.map(bare);
  const row = begin === '' ? -1 : rows.findLastIndex((one) => one.includes(begin));
  const sign = signOf((rows[row] ?? '').split(begin)[0] ?? '');
  return sign !== '' && rows.slice(row + 1).some((one) => signOf(one) === sign);
}
