import { clean } from '../base/text.ts';
import { masked } from './mask.ts';

const CONTEXT = 2;
/** Only the change is shown of a longer line, such as a whole file without line ends. */
const MAX_LINE = 240;
const AROUND = 40;

/**
 * The change from one text to the other, like `diff -u`: one hunk from the first line that differs to the last. It is
 * safe to show on a terminal, and shows only the names of other people's entries.
 * @param before undefined when there is no file; `after` likewise
 * @param ours the values that may be shown
 */
export function diffOf(
  path: string,
  before: string | undefined,
  after: string | undefined,
  ours: ReadonlySet<string>,
): string {
  const lines = (text: string | undefined) => linesOf(text && masked(text, ours));
  const [old, now] = [lines(before), lines(after)];
  const { head, tail } = sameEnds(old, now);
  const start = Math.max(0, head - CONTEXT);
  const context = (from: number, to: number) => old.slice(from, to).map((line) => cut(` ${line}`));
  const [oldEnd, nowEnd] = [old.length - tail, now.length - tail];
  const trailing = Math.min(CONTEXT, tail);
  const removed = old.slice(head, oldEnd);
  const added = now.slice(head, nowEnd);
  const single = removed.length === 1 && added.length === 1;
  return [
    `--- ${before === undefined ? '(no file)' : path}`,
    `+++ ${after === undefined ? '(no file)' : path}`,
    `@@ -${span(start, oldEnd + trailing)} +${span(start, nowEnd + trailing)} @@`,
    ...context(start, head),
    ...removed.map((line) => `-${single ? changed(line, added[0] ?? '') : line}`),
    ...added.map((line) => `+${single ? changed(line, removed[0] ?? '') : line}`),
    ...context(oldEnd, oldEnd + trailing),
  ]
    .map(clean)
    .join('\n');
}

/** The lines of a text; a missing line end at the end is marked as diff does. */
function linesOf(text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  const lines = text.split('\n');
  const last = lines.pop() as string;
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}

function span(start: number, end: number): string {
  const count = end - start;
  return `${count === 0 ? start : start + 1},${count}`;
}

/** A long line around the part in which it differs from the other one. */
function changed(line: string, other: string): string {
  if (line.length <= MAX_LINE && other.length <= MAX_LINE) return line;
  const { head, tail } = sameEnds(line, other);
  const [from, to] = [Math.max(0, head - AROUND), Math.min(line.length, line.length - tail + AROUND)];
  return `${from > 0 ? '…' : ''}${line.slice(from, to)}${to < line.length ? '…' : ''}`;
}

/** How much two texts, or two lists of lines, have in common at the beginning, and of the rest at the end. */
function sameEnds(one: string | string[], other: string | string[]): { head: number; tail: number } {
  const most = Math.min(one.length, other.length);
  let head = 0;
  while (head < most && one[head] === other[head]) head++;
  let tail = 0;
  while (tail < most - head && one.at(-1 - tail) === other.at(-1 - tail)) tail++;
  return { head, tail };
}

function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}
