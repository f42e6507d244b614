import { parse, TomlError, type TomlTable } from 'smol-toml';
import { MamError } from '../base/errors.ts';
import { splitMark } from './layout.ts';

export interface Lines {
  start: number;
  end: number;
}

/** A table of a TOML file, without comments and empty lines. */
export interface Section {
  path: string[];
  header: Lines;
  keys: ({ name: string } & Lines)[];
}

/** Parses TOML. @param path for errors @throws MamError `refused` that says where the text is wrong */
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
      'Nothing was changed. Fix it, then run this again.',
    );
  }
}

/** The tables, and the lines with only a comment, of a text that the parser has accepted. */
export function linesOf(text: string) {
  const sections: Section[] = [];
  const comments: ({ text: string } & Lines)[] = [];
  for (let start = splitMark(text).mark.length; start < text.length; ) {
    const { end, value } = entryAt(text, start);
    const entry = text.slice(start, end).trim();
    if (entry.startsWith('#')) {
      comments.push({ text: entry, start, end });
    } else if (entry.startsWith('[')) {
      sections.push({ path: pathOf(value), header: { start, end }, keys: [] });
    } else if (entry !== '') {
      sections.at(-1)?.keys.push({ name: Object.keys(value)[0] ?? '', start, end });
    }
    start = end;
  }
  return { sections, comments };
}

/** The entry that begins in this line, with as few further lines as the parser needs. */
function entryAt(text: string, start: number): { end: number; value: TomlTable } {
  for (let end = start; end < text.length; ) {
    const newline = text.indexOf('\n', end);
    end = newline < 0 ? text.length : newline + 1;
    try {
      return { end, value: parse(text.slice(start, end), { integersAsBigInt: true }) };
    } catch {
      // A list or a text that continues in the next line.
    }
  }
  return { end: text.length, value: {} };
}

/** The keys of a header such as `[a."b c"]` or `[[a]]`. */
function pathOf(header: TomlTable): string[] {
  const path: string[] = [];
  for (let value: unknown = header; ; ) {
    if (Array.isArray(value)) value = value[0];
    const [entry] = Object.entries(value as object);
    if (entry === undefined) return path;
    path.push(entry[0]);
    value = entry[1];
  }
}
