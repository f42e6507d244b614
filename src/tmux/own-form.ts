import { hasEmptyBoxBelow } from './has-left.ts';
import { bare, PLACEHOLDER } from './own-text.ts';
import type { Shot } from './screen.ts';
import { endOfBox, REACH } from './standing.ts';

/**
 * The beginnings and ends of an order, and of our other texts, also in the words of earlier versions. Without blanks, as
 * `bare` makes them.
 */
const FORMS = [
  /Job([a-z0-9-]{1,80}?)wasdelegatedtoyou(?::calltheMCPtool|byanotheragent)(?<end>.*?Useonlythisid,no(?:tonefromanearlierjob|neofanearlierrun):\1)?/g,
  /Jobs?([a-z0-9-]{1,80}?)(?:is(?:completed|failed|cancelled)|needsyou|,foryou:|:thereissomethingforyoutoread)(?<end>.*?(?:,note[a-z0-9]{8}|\(note[a-z0-9]{8}\)))/g,
];
/** The ends alone, which are all that a small box shows. */
const ENDS = [
  /Useonlythisid,no(?:tonefromanearlierjob|neofanearlierrun):([a-z0-9-]{1,80})/g,
  /(?:,|\()note([a-z0-9]{8})\)?/g,
];
const SHOWN_CHARS = 60;

/**
 * A text of mam at the cursor, no matter who pasted it: another hub, or one whose notes are lost. Its form alone identifies
 * it, so only the rows with the cursor count: a submitted text may be right above them.
 * @returns its first row, for a person
 */
export function ownFormAtCursor(shot: Shot): string | undefined {
  const { lines, cursor_y: y } = shot;
  const top = Math.max(0, y - REACH);
  const rows = lines.slice(top, endOfBox(shot));
  const at =
    formsIn(rows).find(({ first, last }) => top + first <= y && top + last >= y) ??
    (bare(lines[y] ?? '') === '' ? undefined : formsIn(rows, ENDS).find(({ last }) => top + last >= y));
  if (at !== undefined) return (lines[top + at.first] ?? '').trim().slice(0, SHOWN_CHARS);
  return PLACEHOLDER.exec(lines[y] ?? '')?.[0].slice(0, SHOWN_CHARS);
}

/** The same anywhere on the screen, without an empty box below it. */
export function ownFormOnScreen({ lines }: Shot): string | undefined {
  const form = formsIn(lines).at(-1);
  const row = lines[form?.first ?? lines.findLastIndex((one) => PLACEHOLDER.test(one))];
  if (row === undefined || hasEmptyBoxBelow(lines, form?.text ?? PLACEHOLDER.exec(row)?.[0]))
    return undefined;
  return row.trim().slice(0, SHOWN_CHARS);
}

/** Our texts in some rows, by the rows in which they begin and end. */
function formsIn(lines: string[], forms = FORMS) {
  const rows = lines.map(bare);
  const ends = rows.map((_, row) => rows.slice(0, row + 1).join('').length);
  const rowOf = (at: number) => ends.findIndex((end) => at < end);
  return forms
    .flatMap((form) => [...rows.join('').matchAll(form)])
    .map(({ index, 0: text, groups }) => {
      const end = index + text.length - 1;
      // A person has removed its end: it extends as far as its rows do.
      const blank = rows.findIndex((row, at) => at > rowOf(end) && row === '');
      const isCut = forms === FORMS && groups?.['end'] === undefined;
      const last = isCut ? (blank < 0 ? rows.length : blank) - 1 : rowOf(end);
      return { first: rowOf(index), last, text };
    });
}

/** Why such a text is in the way. @param words its first row */
export function unsent(words: string): string {
  return `a text that mam has typed, or one that looks like it, is in the input box and was not submitted: ${words}. Send or remove it there.`;
}
