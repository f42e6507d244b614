/** A quoted text of JSON or TOML, or a comment; nothing else in such a file is a secret. */
const TOKENS =
  /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*/g;
const NAME_ENDS = /[ \t]*[:=.]/y;
/** The name of a TOML table may be quoted; in JSON a bracket ends a list, whose values may be secret. */
const TABLE = /^\[\[?[^=\n]*$/;

/** The quoted texts and comments of a file. */
export function quotedIn(text: string): Set<string> {
  return new Set(text.match(TOKENS)?.map(inner));
}

/**
 * A configuration that is safe to show: only the names of other people's entries, which may hold tokens. Lines stay
 * lines.
 * @param ours the values that may be shown
 */
export function masked(text: string, ours: ReadonlySet<string>): string {
  const isJson = /^\s*(?:\{|\/[/*])/.test(text);
  return text.replace(TOKENS, (token: string, offset: number) => {
    NAME_ENDS.lastIndex = offset + token.length;
    const isQuoted = /^["']/.test(token);
    const lineStart = text.slice(text.lastIndexOf('\n', offset) + 1, offset);
    const isName = NAME_ENDS.test(text) || (!isJson && TABLE.test(lineStart));
    const [begin, end] = edgesOf(token);
    const body = inner(token);
    if (ours.has(body) || (isQuoted && (body === '' || isName))) return token;
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
