import { lineEnd } from './layout.ts';
import type { Difference } from './merge.ts';
import { type Lines, linesOf, type Section } from './toml-text.ts';

/**
 * The text with these values of a table set or removed, each in its own line; a new one comes last in its table. A value
 * inside an inline table has no line: the caller proves the result.
 */
export function withSteps(text: string, at: string[], steps: Difference[]): string {
  return steps.reduce((now, step) => {
    const place = [...at, ...step.at];
    return step.value === undefined ? withoutKey(now, place) : withKey(now, at, place, step.value);
  }, text);
}

function withKey(text: string, at: string[], place: string[], value: unknown): string {
  const eol = lineEnd(text);
  const [table, key] = [place.slice(0, -1), place.at(-1) as string];
  const line = `${key} = ${written(value, eol)}${eol}`;
  const { sections } = linesOf(text);
  const section = sections.find(({ path }) => isSame(path, table));
  if (section !== undefined) {
    const known = section.keys.find(({ name }) => name === key);
    if (known !== undefined) return text.slice(0, known.start) + line + text.slice(known.end);
    return insertAfter(text, section, line);
  }
  const neighbour = sections.findLast(({ path }) => isSame(path.slice(0, at.length), at));
  return neighbour === undefined
    ? text
    : insertAfter(text, neighbour, `${eol}[${table.join('.')}]${eol}${line}`);
}

function withoutKey(text: string, place: string[]): string {
  const { sections } = linesOf(text);
  const tables = sections.filter(({ path }) => isSame(path.slice(0, place.length), place));
  const section = sections.find(({ path }) => isSame(path, place.slice(0, -1)));
  const key = section?.keys.filter(({ name }) => name === place.at(-1)) ?? [];
  // A header without a key would be an empty table, which is not the same as none.
  const isAll = section !== undefined && key.length === 1 && section.keys.length === 1;
  return withoutRanges(text, [...tables.flatMap(rangesOf), ...(isAll ? rangesOf(section) : key)]);
}

export function rangesOf({ header, keys }: Section): Lines[] {
  return [header, ...keys];
}

function insertAfter(text: string, { header, keys }: Section, added: string): string {
  const { end } = keys.at(-1) ?? header;
  const before = text.slice(0, end);
  return before + (before.endsWith('\n') ? '' : lineEnd(text)) + added + text.slice(end);
}

/** A word, a number, a switch or a list of words, as TOML. */
function written(value: unknown, eol: string): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return ['[', ...value.map((word) => `  ${JSON.stringify(word)},`), ']'].join(eol);
}

function isSame(path: string[], other: string[]): boolean {
  return path.length === other.length && path.every((key, depth) => key === other[depth]);
}

/** Cuts whole lines out, and the empty line before them when another one or the end of the file follows. */
export function withoutRanges(text: string, ranges: Lines[]): string {
  const joined: Lines[] = [];
  for (const { start, end } of ranges.sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && text.slice(last.end, start).trim() === '') last.end = end;
    else joined.push({ start, end });
  }
  let rest = text;
  for (const { start, end } of joined.reverse()) {
    const [before, after] = [rest.slice(0, start), rest.slice(end)];
    const doubled = /^(\r?\n|$)/.test(after);
    const above = doubled ? before.replace(/(^|\n)\r?\n$/, '$1') : before;
    rest = above + (above === '' ? after.replace(/^\r?\n/, '') : after);
  }
  return rest;
}
