import { columnsOf } from '../../base/columns.ts';

const PLAIN = /^[ -~]*$/;
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** The look and the tone of an emoji: terminals do not agree on whether they widen it. */
const LOOKS = /(?<=\p{Emoji})[\ufe0e\ufe0f]|(?<=\p{Emoji}\ufe0f?)\p{Emoji_Modifier}/gu;
/** In a column that is too narrow for it, a text is not cut into single letters. */
const LEAST = 20;

/** A text that every terminal shows equally wide: in a table, an emoji has no other look than its own. */
export function inOneLook(text: string): string {
  return PLAIN.test(text) ? text : text.normalize('NFC').replace(LOOKS, '');
}

/** What a person sees as characters. */
function graphemes(text: string): string[] {
  return PLAIN.test(text) ? [...text] : Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
}

/** The beginning of a harmless text that fits into so many columns; one that is cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let kept = '';
  let columns = 1;
  for (const character of graphemes(text)) {
    columns += columnsOf(character);
    if (columns > width) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/**
 * A harmless text in lines of so many columns at most, broken at blanks where there are any. Its own lines stay lines,
 * with their indentation.
 */
export function wrap(text: string, width: number): string[] {
  const most = Math.max(LEAST, width);
  return text.split('\n').flatMap((line) => wrapLine(line.replaceAll('\t', '  ').trimEnd(), most));
}

function wrapLine(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let columns = 0;
  // Blanks are parts of their own, so that none is lost but where a line ends.
  for (const part of line.split(/(\s+)/)) {
    for (const piece of piecesOf(part, width)) {
      const own = columnsOf(piece);
      if (columns + own > width && current.trim() !== '') {
        lines.push(current.trimEnd());
        current = '';
        columns = 0;
        if (piece.trim() === '') continue;
      }
      current += piece;
      columns += own;
    }
  }
  return current.trim() === '' ? lines : [...lines, current.trimEnd()];
}

/** A word that is wider than a whole line, in pieces. */
function piecesOf(word: string, width: number): string[] {
  if (columnsOf(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const character of graphemes(word)) {
    if (columnsOf(piece + character) > width) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece];
}
