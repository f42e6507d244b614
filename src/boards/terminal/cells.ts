import { columnsOf, cut, graphemes, headOf } from '../../base/columns.ts';
import { beginsRandomly } from '../../base/ids.ts';
import { clean } from '../../base/text.ts';

/** Variants, skin tones, tags and emoji joiners: terminals disagree on how wide they make a character. */
const VARIANTS =
  /[\u{fe00}-\u{fe0f}\u{1f3fb}-\u{1f3ff}\u{e0000}-\u{e007f}]|(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d/gu;

/** Foreign text made safe for a cell: harmless, and exactly as wide as counted. Newlines stay. */
export function shown(text: string): string {
  return clean(text).replaceAll('\t', ' ').normalize('NFC').replace(VARIANTS, '');
}

/** An id that keeps its random part, by which it is told from others; ids of earlier versions end with theirs. */
export function cutId(id: string, width: number): string {
  if (columnsOf(id) <= width) return id;
  const end = Math.floor((width - 1) / 2);
  return beginsRandomly(id) || end < 1 ? cut(id, width) : `${headOf(id, width - 1 - end)}…${tail(id, end)}`;
}

/** The text, cut or padded to exactly `width` columns. */
export function filled(text: string, width: number): string {
  const short = cut(text, width);
  return short + ' '.repeat(Math.max(0, width - columnsOf(short)));
}

/** The end of a text that fits into `width` columns: what is being typed stays visible. */
export function tail(text: string, width: number): string {
  let [left, end] = [width, ''];
  for (const grapheme of graphemes(text).reverse()) {
    left -= columnsOf(grapheme);
    if (left < 0) break;
    end = grapheme + end;
  }
  return end;
}
