/** A text in quotes, of JSON or TOML, or a comment; whatever else such a file has is no secret. */
const TOKENS =
  /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*/g;
/** What makes the quoted text before it a name. */
const NAME_ENDS = /[ \t]*[:=.]/y;
/** The name of a TOML table may be quoted; in JSON a bracket ends a list, whose values may be secret. */
const TABLE = /^\[\[?[^=\n]*$/;

/** The quoted texts and comments of a file, as they stand there. */
export function quotedIn(text: string): Set<string> {
  return new Set(text.match(TOKENS)?.map(inner));
}

/**
 * A configuration for a screen: of what others have put there only names are shown, since it may hold tokens. Its lines
 * stay lines.
 * @param ours the values that may be read
 */
export function masked(text: string, ours: ReadonlySet<string>): string {
  const isJson = /^\s*(?:\{|\/[/*])/.test(text);
  return text.replace(TOKENS, (token: string, offset: number) => {
    NAME_ENDS.lastIndex = offset + token.length;
    const isQuoted = /^["']/.test(token);
    const lineStart = text.slice(text.lastIndexOf('\n', offset) + 1, offset);
    const isName = NAME_ENDS.test(text) || (!isJson && TABLE.test(lineStart));
    if (ours.has(inner(token)) || (isQuoted && (token.length === 2 || isName))) return token;
    const [begin, end] = edgesOf(token);
    const body = token.slice(begin.length, token.length - end.length);
    return begin + body.replace(/[^\n]+/g, '…') + end;
  });
}

function inner(token: string): string {
  const [begin, end] = edgesOf(token);
  return token.slice(begin.length, token.length - end.length);
}

function edgesOf(token: string): [begin: string, end: string] {
  if (token.startsWith('"""') || token.startsWith("'''")) return [token.slice(0, 3), token.slice(-3)];
  if (token.startsWith('/*')) return ['/*', '*/'];
  if (token.startsWith('//')) return ['//', ''];
  const [first = ''] = token;
  return first === '#' ? ['#', ''] : [first, first];
}
