import { columnsOf, cut } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import { isTerminal, paint, terminalColumns } from './output.ts';

const GAP = '  ';
/** The last column stays at least this wide. */
const LEAST = 20;

/** Variation and skin tone of an emoji: terminals disagree on whether they widen it. */
const LOOKS = /(?<=\p{Emoji})[\ufe0e\ufe0f]|(?<=\p{Emoji}\ufe0f?)\p{Emoji_Modifier}/gu;

export interface Cell {
  text: string;
  shown: (text: string) => string;
}

/**
 * Rows in columns as wide as their widest cell. On a terminal they have titles, and the last column ends with the
 * screen; elsewhere a program reads them: every line is a row, and nothing is cut.
 * @param whole never cuts the last column, for what a person copies, such as a path
 */
export function tableText(
  titles: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  { whole = false } = {},
): string {
  const cells = rows.map((row) => row.map(oneLine));
  const heads = isTerminal()
    ? [titles.map((text) => ({ text, shown: (all: string) => paint('dim', all) }))]
    : [];
  const all = [...heads, ...cells];
  const last = titles.length - 1;
  const widths = titles.map((_, at) => Math.max(...all.map((row) => columnsOf(row[at]?.text ?? ''))));
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = whole ? Number.POSITIVE_INFINITY : Math.max(LEAST, terminalColumns() - before);
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
