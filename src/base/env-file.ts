import { MamError } from './errors.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const HINT =
  'Write one NAME=VALUE per line. A value may be in quotes; lines that begin with # are comments, and nothing is expanded.';
/** What may follow a closing quote. */
const REST = /^\s*(?:#.*)?$/;

/** True for a name that an environment variable can have. */
export function isVariableName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Reads a file of environment variables: one NAME=VALUE per line, with comments, quotes and `export `. In double quotes, a
 * backslash makes \n, \r and \t, and takes any other character as it is. Nothing is expanded. The last of several wins.
 * @param path for errors
 * @throws MamError `bad_input` that names the line, without its content, which may be a secret
 */
export function parseEnvFile(path: string, text: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [index, whole] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = whole.trim().replace(/^export\s+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const wrong = (why: string): MamError =>
      new MamError('bad_input', `${path}, line ${index + 1}: ${why}.`, HINT);
    const equals = line.indexOf('=');
    if (equals < 0) throw wrong('it has no =');
    const name = line.slice(0, equals).trimEnd();
    if (!isVariableName(name)) throw wrong('the text before = is not the name of a variable');
    const value = valueIn(line.slice(equals + 1).trimStart());
    if (value === undefined) throw wrong('the quotes around the value are not closed on the same line');
    env[name] = value;
  }
  return env;
}

/** The value; undefined when its quotes are wrong. */
function valueIn(text: string): string | undefined {
  if (text.startsWith("'")) {
    const [, value, rest = ''] = /^'([^']*)'(.*)$/.exec(text) ?? [];
    return REST.test(rest) ? value : undefined;
  }
  if (text.startsWith('"')) {
    const [, value, rest = ''] = /^"((?:[^"\\]|\\.)*)"(.*)$/.exec(text) ?? [];
    return REST.test(rest) ? value?.replace(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? sign) : undefined;
  }
  return text.replace(/(?:^|\s+)#.*$/, '');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
