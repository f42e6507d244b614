import { clean } from '../base/text.ts';
import { masked } from './mask.ts';

/** Unchanged lines that are shown around a change. */
const CONTEXT = 2;
/** A longer line, such as a whole file without line ends, is shown only where it changes. */
const MAX_LINE = 240;
const AROUND = 40;

/**
 * What changes from one text to the other, in the manner of `diff -u`: one hunk from the first line that differs to
 * the last. Made harmless for a screen, and without what others have put into the file but for its names.
 * @param before undefined when there is no file; `after` likewise
 * @param ours the values that may be shown
 */
export function diffOf(
  path: string,
  before: string | undefined,
  after: string | undefined,
  ours: ReadonlySet<string>,
): string {
  const [old, now] = [before, after].map((text) => linesOf(text && masked(text, ours))) as [
    string[],
    string[],
  ];
  const { head, tail } = sameEnds(old, now);
  const start = Math.max(0, head - CONTEXT);
  const shown = (lines: string[], from: number, to: number, sign: string): string[] =>
    lines.slice(from, to).map((line) => sign + line);
  const [oldEnd, nowEnd] = [old.length - tail, now.length - tail];
  const behind = Math.min(CONTEXT, tail);
  const removed = old.slice(head, oldEnd);
  const added = now.slice(head, nowEnd);
  const single = removed.length === 1 && added.length === 1;
  return [
    `--- ${before === undefined ? '(no file)' : path}`,
    `+++ ${after === undefined ? '(no file)' : path}`,
    `@@ -${span(start, oldEnd + behind)} +${span(start, nowEnd + behind)} @@`,
    ...shown(old, start, head, ' ').map(cut),
    ...removed.map((line) => `-${single ? changed(line, added[0] ?? '') : line}`),
    ...added.map((line) => `+${single ? changed(line, removed[0] ?? '') : line}`),
    ...shown(old, oldEnd, oldEnd + behind, ' ').map(cut),
  ]
    .map(clean)
    .join('\n');
}

/** The lines of a text; a last one without a line end is told as diff tells it. */
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

/** How much two texts, or two lists of lines, have in common at their beginning, and in the rest at their end. */
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
