import stringWidth from 'string-width';
import { clean } from '../../base/text.ts';

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const PLAIN = /^[ -~]*$/;
/** Variants, skin tones, tags and what joins emoji: terminals do not agree on how wide they make a character. */
const VARIANTS =
  /[\u{fe00}-\u{fe0f}\u{1f3fb}-\u{1f3ff}\u{e0000}-\u{e007f}]|(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d/gu;

/** Text of somebody else as it may stand in a cell: harmless, and as wide as it is counted. Newlines stay. */
export function shown(text: string): string {
  const harmless = clean(text).replaceAll('\t', ' ');
  return PLAIN.test(harmless) ? harmless : harmless.normalize('NFC').replace(VARIANTS, '');
}

/** How many columns a text takes. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** The beginning of a text that fits into `width` columns; one that is cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? '' : `${head(text, width - 1)}…`;
}

/** Cuts from the middle: an id is told by its end. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return end < 1 ? cut(text, width) : `${head(text, width - 1 - end)}…${tail(text, end)}`;
}

/** Exactly `width` columns. */
export function filled(text: string, width: number): string {
  const short = cut(text, width);
  return short + ' '.repeat(Math.max(0, width - widthOf(short)));
}

/** The end of a text that fits into `width` columns: what somebody types stays in sight. */
export function tail(text: string, width: number): string {
  let [left, end] = [width, ''];
  for (const grapheme of graphemes(text).reverse()) {
    left -= widthOf(grapheme);
    if (left < 0) break;
    end = grapheme + end;
  }
  return end;
}

/** All lines of a text, none wider than `width`; broken at a space where there is one. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line.trimEnd(), Math.max(1, width)));
}

/** What a person sees as characters. */
export function graphemes(text: string): string[] {
  return Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
}

function head(text: string, width: number): string {
  if (PLAIN.test(text)) return text.slice(0, width);
  let [left, begin] = [width, ''];
  for (const grapheme of graphemes(text)) {
    left -= widthOf(grapheme);
    if (left < 0) break;
    begin += grapheme;
  }
  return begin;
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (widthOf(rest) > width) {
    // A character that is wider than the line must not stop it for ever.
    const piece = head(rest, width) || (graphemes(rest)[0] ?? rest);
    const space = rest[piece.length] === ' ' ? piece.length : piece.lastIndexOf(' ');
    const end = space > 0 ? space : piece.length;
    lines.push(rest.slice(0, end).trimEnd());
    rest = space > 0 ? rest.slice(end).trimStart() : rest.slice(end);
  }
  return [...lines, rest];
}
