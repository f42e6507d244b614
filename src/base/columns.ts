const PLAIN = /^[ -~]*$/;
/** The time that Intl.Segmenter takes grows with the square of a text's length, so it is given parts, in UTF-16 units. */
const PART = 256;
const HIGH_SURROGATE = /[\ud800-\udbff]/;
/** Created on first use, because that takes some 8 ms. */
let segmenter: Intl.Segmenter | undefined;
/** Emoji made of several characters: flags and joined sequences. Each takes two columns. */
const PICTURES =
  /\p{RI}{2}|\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)+/gu;
/** Characters that take two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18df2}\u{1aff0}-\u{1affe}\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/**
 * Characters that take no column: marks above or below their letter (Hindi and Tamil marks next to the letter take
 * one), joiners, and the parts of a Korean syllable after its first letter.
 */
const NONE = /[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff]/u;

/** How many terminal columns a cleaned single-line text takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const character of text.replace(PICTURES, '🙂'))
    columns += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

/** The characters of a text as a person sees them. */
export function graphemes(text: string): string[] {
  if (PLAIN.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const all: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + PART - (HIGH_SURROGATE.test(text.charAt(at + PART - 1)) ? 1 : 0);
    const found = Array.from(segmenter.segment(text.slice(at, end)), ({ segment }) => segment);
    // The last one may go on in the next part.
    if (end < text.length && found.length > 1) found.pop();
    for (const one of found) {
      all.push(one);
      at += one.length;
    }
  }
  return all;
}

/** The longest beginning of a text that fits into `width` columns. */
export function headOf(text: string, width: number): string {
  let [left, head] = [width, ''];
  for (const character of graphemes(text)) {
    left -= columnsOf(character);
    if (left < 0) break;
    head += character;
  }
  return head;
}

/** A cleaned text, cut to `width` columns if it is longer; a cut text ends in `…`. */
export function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  return width < 1 ? '' : `${headOf(text, width - 1).trimEnd()}…`;
}

/**
 * Wraps a cleaned text into lines of at most `width` columns, at blanks where possible. Existing line breaks and
 * indentation are kept.
 */
export function wrap(text: string, width: number): string[] {
  const most = Math.max(1, width);
  return text.split('\n').flatMap((line) => wrapLine(line.replaceAll('\t', '  ').trimEnd(), most));
}

function wrapLine(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let columns = 0;
  // Blanks are separate parts, so that they are lost only at the end of a line.
  for (const part of line.split(/(\s+)/)) {
    for (const piece of piecesOf(part, width)) {
      const own = columnsOf(piece);
      if (columns + own > width && current !== '') {
        if (current.trim() !== '') lines.push(current.trimEnd());
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

/** Splits a text into pieces of at most `width` columns; a wider character becomes a separate piece. */
export function piecesOf(text: string, width: number): string[] {
  const pieces: string[] = [];
  let [piece, columns] = ['', 0];
  for (const character of graphemes(text)) {
    const own = columnsOf(character);
    if (piece !== '' && columns + own > width) {
      pieces.push(piece);
      [piece, columns] = ['', 0];
    }
    piece += character;
    columns += own;
  }
  return piece === '' ? pieces : [...pieces, piece];
}
