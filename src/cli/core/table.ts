import { columnsOf, cut } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import { isTerminal, paint, terminalColumns } from './output.ts';

const GAP = '  ';

/** Variation and skin tone of an emoji: terminals disagree on whether they widen it. */
const LOOKS = /(?<=\p{Emoji})[\ufe0e\ufe0f]|(?<=\p{Emoji}\ufe0f?)\p{Emoji_Modifier}/gu;

export interface Cell {
  text: string;
  shown: (text: string) => string;
}

/**
 * Rows of fields. On a terminal they are columns with titles, and the last one ends with the screen; elsewhere programs
 * read them: every line is a row, its fields are separated by tabs, as `cut` expects it, and nothing is cut.
 * @param whole never cuts the last column, for what a person copies, such as a path: what does not fit is below its row
 */
export function tableText(
  titles: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  { whole = false } = {},
): string {
  const cells = rows.map((row) => row.map(oneLine));
  if (!isTerminal()) return cells.map((row) => row.map(({ text }) => text).join('\t')).join('\n');
  const all = [titles.map((text) => ({ text, shown: (all: string) => paint('dim', all) })), ...cells];
  const last = titles.length - 1;
  const widths = titles.map((_, at) => Math.max(...all.map((row) => columnsOf(row[at]?.text ?? ''))));
  const room = Math.max(1, terminalColumns() - columnsBefore(widths.slice(0, last)));
  return all
    .map((row) => {
      const { text = '', shown = String } = row[last] ?? {};
      const isBelow = whole && columnsOf(text) > room;
      const fields = row
        .slice(0, last)
        .map(({ text, shown }, at) => `${shown(text)}${' '.repeat((widths[at] ?? 0) - columnsOf(text))}`);
      const line = [...fields, isBelow ? '' : shown(cut(text, room))].join(GAP).trimEnd();
      const below = isBelow
        ? linesOf(text, terminalColumns() - GAP.length).map((one) => GAP + shown(one))
        : [];
      return [line, ...below].join('\n');
    })
    .join('\n');
}

/** A text in lines that are broken only at blanks: a path that is too long for a line can still be copied. */
function linesOf(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && columnsOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

/** How much of a line columns of these widths take, with the gaps after them. */
export function columnsBefore(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + GAP.length, 0);
}

/** Makes a text as wide as it is counted: control characters in foreign text would shift the columns. */
function oneLine(cell: string | Cell): Cell {
  const { text, shown } = typeof cell === 'string' ? { text: cell, shown: (all: string) => all } : cell;
  const line = cleanLine(text, Number.POSITIVE_INFINITY);
  return { text: isTerminal() ? inOneLook(line) : line, shown };
}

/** A text that every terminal shows equally wide: each emoji in its default form. */
export function inOneLook(text: string): string {
  return text.normalize('NFC').replace(LOOKS, '');
}
