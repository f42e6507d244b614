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
 * @param whole never cuts the last column, for what a person copies, such as a path
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
  const room = whole
    ? Number.POSITIVE_INFINITY
    : Math.max(1, terminalColumns() - columnsBefore(widths.slice(0, last)));
  return all
    .map((row) =>
      row
        .map(({ text, shown }, at) =>
          at === last
            ? shown(cut(text, room))
            : `${shown(text)}${' '.repeat((widths[at] ?? 0) - columnsOf(text))}`,
        )
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
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
