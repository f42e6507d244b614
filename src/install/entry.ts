import { MamError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import type { ServerEntry, Surroundings } from './client.ts';
import { type Dialect, type Json, parseJson } from './json-text.ts';

/** What a file says of a server, whatever the client calls the parts; nothing of it is checked. */
export interface Said {
  command: unknown;
  args?: unknown;
  env?: unknown;
  env_vars?: unknown;
  timeout_seconds?: unknown;
  enabled?: unknown;
}

/** What the client makes of a word of its file: some put variables of their environment into it. */
export type Expand = (word: string) => string;

/**
 * What the client puts in the place of a variable.
 * @param pattern global, with the groups `name` (or `bare`) and, for what stands there when it is not set, `otherwise`
 * @param unset what stands there when the file does not say that either; undefined leaves the word as it is
 */
export function variables(pattern: RegExp, env: Surroundings['env'], unset?: string): Expand {
  return (word) =>
    word.replace(pattern, (all: string, ...rest: unknown[]) => {
      const { name, bare, otherwise } = rest.at(-1) as Record<string, string | undefined>;
      return env[name ?? bare ?? ''] ?? otherwise ?? unset ?? all;
    });
}

/**
 * Checks what a file says of our server.
 * @param where names the file and the place in it, for errors
 * @throws MamError `refused` for what no client would start
 */
export function serverEntry(where: string, said: Said, expand: Expand = (word) => word): ServerEntry {
  const stop = (why: string): never => {
    throw new MamError(
      'refused',
      `${where} ${why}.`,
      'mam is a program on stdio: mam install CLIENT writes it, once this entry is taken out.',
    );
  };
  const { command, args = [], env = {}, env_vars, timeout_seconds, enabled } = said;
  if (typeof command !== 'string' || command === '') return stop('names no command');
  if (!isWords(args)) return stop('has arguments that are not all words');
  if (!isObject(env) || !isWords(Object.values(env))) return stop('has an environment that is not all words');
  return {
    command: expand(command),
    args: args.map(expand),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value as string)])),
    ...(env_vars !== undefined && { env_vars: namesIn(env_vars) }),
    ...(typeof timeout_seconds === 'number' && timeout_seconds > 0 && { timeout_seconds }),
    enabled: enabled !== false,
  };
}

/**
 * The value under a path of keys in a JSON text.
 * @returns undefined when there is none
 * @throws MamError `refused` for a text that can't be read
 */
export function jsonAt(
  path: string,
  text: string | undefined,
  at: string[],
  dialect: Dialect,
): Json | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  return get(parseJson(path, text, dialect).value, at);
}

/** The value under a path of keys; undefined when there is none, or something on the way is not an object. */
export function get(root: Json, at: string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const key of at) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** A number of seconds from one of milliseconds, if it is a number. */
export function secondsOf(ms: unknown): number | undefined {
  return typeof ms === 'number' ? ms / 1000 : undefined;
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

/** Codex takes a name, or a table with a name in it. */
function namesIn(value: unknown): string[] {
  const names = Array.isArray(value) ? value : [];
  return names
    .map((one: unknown) => (isObject(one) ? one['name'] : one))
    .filter((name) => typeof name === 'string');
}
