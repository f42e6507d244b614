import { parse, TomlError, type TomlTable } from 'smol-toml';
import { MamError } from '../base/errors.ts';
import { splitMark } from './layout.ts';

/** Whole lines of a text. */
export interface Lines {
  start: number;
  end: number;
}

/** A table of a TOML file: its header and its keys, without comments and empty lines. */
export interface Section {
  path: string[];
  lines: Lines[];
}

/** A line that holds only a comment. */
export interface CommentLine extends Lines {
  text: string;
}

/**
 * Parses TOML.
 * @param path names the file in errors
 * @throws MamError `refused` that says where the text is wrong
 */
export function parseToml(path: string, text: string): TomlTable {
  try {
    return parse(splitMark(text).body, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of its message quotes the file, which may hold a password.
    const reason = error.message
      .split('\n')[0]
      ?.replace(/^Invalid TOML document: /, '')
      .slice(0, 120);
    throw new MamError(
      'refused',
      `${path} is not valid TOML: line ${error.line}, column ${error.column}: ${reason}.`,
      'Nothing was changed. Mend it, then run this again.',
    );
  }
}

/** The tables and the comment lines of a text that the parser has accepted. */
export function linesOf(text: string): { sections: Section[]; comments: CommentLine[] } {
  const sections: Section[] = [];
  const comments: CommentLine[] = [];
  for (let start = splitMark(text).mark.length; start < text.length; ) {
    const end = endOfEntry(text, start);
    const entry = text.slice(start, end).trim();
    if (entry.startsWith('#')) {
      comments.push({ text: entry, start, end });
    } else if (entry.startsWith('[')) {
      sections.push({ path: pathOf(entry), lines: [{ start, end }] });
    } else if (entry !== '') {
      sections.at(-1)?.lines.push({ start, end });
    }
    start = end;
  }
  return { sections, comments };
}

/** Where the line ends that begins here, with the lines that a value goes on in. */
function endOfEntry(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const char = text[at] as string;
    if (char === '\n' && depth === 0) return at + 1;
    if (char === '#') {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? text.length : newline;
    } else if (char === '"' || char === "'") {
      at = endOfString(text, at, char);
    } else {
      if (char === '[' || char === '{') depth++;
      if (char === ']' || char === '}') depth--;
      at++;
    }
  }
  return text.length;
}

function endOfString(text: string, start: number, quote: string): number {
  const triple = text.startsWith(quote.repeat(3), start);
  const fence = triple ? quote.repeat(3) : quote;
  for (let at = start + fence.length; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') {
      at++;
    } else if (text.startsWith(fence, at)) {
      let end = at + fence.length;
      // Up to two quotes may stand before the closing three.
      while (triple && text[end] === quote) end++;
      return end;
    }
  }
  return text.length;
}

/** The keys of a header such as `[a."b c"]` or `[[a]]`. */
function pathOf(header: string): string[] {
  const path: string[] = [];
  let value: unknown = parse(header);
  for (;;) {
    if (Array.isArray(value)) value = value[0];
    const key = Object.keys(value as object)[0];
    if (key === undefined) return path;
    path.push(key);
    value = (value as Record<string, unknown>)[key];
  }
}
