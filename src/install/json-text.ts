import { MamError } from '../base/errors.ts';
import { placeOf, splitMark } from './layout.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A value and where it stands in the text. */
export interface Node {
  kind: 'object' | 'array' | 'scalar';
  start: number;
  /** Behind its last character. */
  end: number;
  elements: Element[];
}

/** A member of an object or an item of an array. */
export interface Element {
  /** Absent in an array. */
  key?: string;
  /** Where the key begins, or the item. */
  start: number;
  node: Node;
  /** Where the comma behind it is, if there is one. */
  comma?: number;
}

/** A parsed text. */
export interface JsonText {
  text: string;
  root: Node;
  /** As Node's own parser reads it. */
  value: Json;
}

/** What a file may hold beside strict JSON. */
export interface Dialect {
  comments: boolean;
  trailingCommas: boolean;
}

const SPACE = /[ \t\r\n]*/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /"(?:[^"\\\p{Cc}]+|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
/** Far beyond any configuration, and far below what the stack holds. */
const MAX_DEPTH = 200;

/**
 * Parses JSON and keeps every place, so that an edit can leave all the rest byte for byte.
 * @param path names the file in errors
 * @throws MamError `refused` that says where the text is wrong
 */
export function parseJson(path: string, text: string, { comments, trailingCommas }: Dialect): JsonText {
  const blanks: [number, number][] = [];
  let at = splitMark(text).mark.length;
  if (at > 0) blanks.push([0, at]);

  function stop(expected: string, offset = at): never {
    const found = offset >= text.length ? 'the file ends' : `expected ${expected}`;
    const words = offset >= text.length ? `${found} where ${expected} is expected` : found;
    throw new MamError(
      'refused',
      `${path} is not valid JSON: ${placeOf(text, offset)}: ${words}.`,
      'Nothing was changed. Mend it, then run this again.',
    );
  }

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function skip(): void {
    for (;;) {
      take(SPACE);
      const start = at;
      if (!comments || take(COMMENT) === undefined) return;
      blanks.push([start, at]);
    }
  }

  function value(depth: number): Node {
    if (depth > MAX_DEPTH) stop('less nesting');
    const start = at;
    const open = text[at];
    if (open === '{') return container('object', '}', depth);
    if (open === '[') return container('array', ']', depth);
    if (take(STRING) ?? take(SCALAR)) return { kind: 'scalar', start, end: at, elements: [] };
    return stop('a value');
  }

  function container(kind: 'object' | 'array', close: string, depth: number): Node {
    const start = at++;
    const elements: Element[] = [];
    for (skip(); text[at] !== close; skip()) {
      const last = elements.at(-1);
      if (last !== undefined && last.comma === undefined) stop(`a comma or ${close}`);
      const element = kind === 'object' ? member(depth) : item(depth);
      elements.push(element);
      skip();
      if (text[at] !== ',') continue;
      element.comma = at++;
    }
    const trailing = elements.at(-1)?.comma;
    if (trailing !== undefined) {
      if (!trailingCommas) stop(kind === 'object' ? 'a name in double quotes' : 'a value');
      blanks.push([trailing, trailing + 1]);
    }
    at++;
    return { kind, start, end: at, elements };
  }

  function member(depth: number): Element {
    const start = at;
    const key = take(STRING) ?? stop('a name in double quotes');
    skip();
    if (text[at] !== ':') stop('a colon');
    at++;
    skip();
    return { key: JSON.parse(key) as string, start, node: value(depth + 1) };
  }

  function item(depth: number): Element {
    return { start: at, node: value(depth + 1) };
  }

  skip();
  const root = value(0);
  skip();
  if (at < text.length) stop('the end of the file');
  return { text, root, value: JSON.parse(blank(text, blanks)) as Json };
}

/** The text with spaces where strict JSON has no word for what stands there. */
function blank(text: string, ranges: [number, number][]): string {
  let done = 0;
  let plain = '';
  for (const [start, end] of ranges.sort(([a], [b]) => a - b)) {
    plain += text.slice(done, start) + ' '.repeat(end - start);
    done = end;
  }
  return plain + text.slice(done);
}
