import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { MamError } from '../base/errors.ts';
import { placeOf } from './layout.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A parsed text; the tree has the place of every value. */
export interface JsonText {
  text: string;
  root: Node;
  value: Json;
}

export interface Dialect {
  comments: boolean;
  trailingCommas: boolean;
}

/** The parser's errors that name what is missing; the others are reported in its own words. */
const EXPECTED: Readonly<Record<string, string>> = {
  PropertyNameExpected: 'a name in double quotes',
  ValueExpected: 'a value',
  InvalidSymbol: 'a value or a name in double quotes',
  ColonExpected: 'a colon',
  CommaExpected: 'a comma',
  CloseBraceExpected: '}',
  CloseBracketExpected: ']',
  EndOfFileExpected: 'the end of the file',
};

/** Parses JSON, with the place of each value. @param path for errors @throws MamError `refused` that names the place */
export function parseJson(path: string, text: string, { comments, trailingCommas }: Dialect): JsonText {
  const errors: ParseError[] = [];
  try {
    // The parser does not accept a byte order mark; a blank in its place keeps all offsets.
    const root = parseTree(text.replace(/^\ufeff/, ' '), errors, {
      disallowComments: !comments,
      allowTrailingComma: trailingCommas,
    });
    // A clone: the parser's own objects have no prototype, and so equal no others.
    if (root !== undefined && errors.length === 0)
      return { text, root, value: structuredClone(getNodeValue(root)) as Json };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw notValid(path, 'expected less nesting');
  }
  const [first] = errors;
  throw notValid(path, first === undefined ? 'expected a value' : wordsOf(text, first));
}

function notValid(path: string, why: string): MamError {
  return new MamError(
    'refused',
    `${path} is not valid JSON: ${why}.`,
    'Nothing was changed. Fix it, then run this again.',
  );
}

function wordsOf(text: string, { error, offset }: ParseError): string {
  const name = printParseErrorCode(error);
  const expected = EXPECTED[name];
  const why =
    expected === undefined
      ? name.replaceAll(/\B[A-Z]/g, ' $&').toLowerCase()
      : offset < text.length
        ? `expected ${expected}`
        : `the file ends where ${expected} is expected`;
  return `${placeOf(text, offset)}: ${why}`;
}
