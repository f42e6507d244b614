import { MamError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import type { ServerEntry, Surroundings } from './client.ts';
import { type Dialect, type Json, parseJson } from './json-text.ts';

/** What a file says about a server, under common names and unchecked. */
export interface Said {
  command: unknown;
  args?: unknown;
  env?: unknown;
  env_vars?: unknown;
  timeout_seconds?: unknown;
  enabled?: unknown;
}

/** How the client reads a word of its file: some clients insert environment variables. */
export type Expand = (word: string) => string;

/**
 * Replaces variables as the client does.
 * @param pattern global, with the groups `name` (or `bare`) and, for the default in the file, `otherwise`
 * @param unset the default for all others; undefined leaves the variable as it is
 */
export function variables(pattern: RegExp, env: Surroundings['env'], unset?: string): Expand {
  return (word) =>
    word.replace(pattern, (all: string, ...rest: unknown[]) => {
      const { name, bare, otherwise } = rest.at(-1) as Record<string, string | undefined>;
      return env[name ?? bare ?? ''] ?? otherwise ?? unset ?? all;
    });
}

/**
 * Reads how a client starts our server from its JSON file.
 * @param said returns the parts that the client names in its own way; `timeout` is in ms
 * @returns undefined when there is no such server
 * @throws MamError `refused` for a text that can't be read, or for what no client would start
 */
export function jsonServer(
  { path, text, at, dialect }: { path: string; text: string | undefined; at: string[]; dialect: Dialect },
  expand: Expand,
  said: (entry: Record<string, Json>) => Partial<Said> = () => ({}),
): ServerEntry | undefined {
  const found = jsonAt(path, text, at, dialect);
  if (found === undefined) return undefined;
  const entry = isObject(found) ? found : {};
  const { command, args, env, timeout } = entry;
  const timeout_seconds = typeof timeout === 'number' ? timeout / 1000 : undefined;
  const all = { command, args, env, timeout_seconds, ...said(entry) };
  return serverEntry(`${at.join('.')} in ${path}`, all, expand);
}

/** Checks what a file says about our server. @param where for errors @throws MamError `refused` if none would start it */
export function serverEntry(where: string, said: Said, expand: Expand = (word) => word): ServerEntry {
  const stop = (why: string): never => {
    throw new MamError(
      'refused',
      `${where} ${why}.`,
      'mam is a program on stdio: remove this entry, then run mam install CLIENT.',
    );
  };
  const { command, args = [], env = {}, env_vars, timeout_seconds, enabled } = said;
  if (typeof command !== 'string' || command === '') return stop('names no command');
  if (!isWords(args)) return stop('has arguments that are not all strings');
  if (!isObject(env) || !isWords(Object.values(env))) return stop('has variables that are not all strings');
  return {
    command: expand(command),
    args: args.map(expand),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value as string)])),
    ...(env_vars !== undefined && { env_vars: namesIn(env_vars) }),
    ...(typeof timeout_seconds === 'number' && timeout_seconds > 0 && { timeout_seconds }),
    enabled: enabled !== false,
  };
}

/** The value under a path of keys in a JSON text, if any. @throws MamError `refused` for a text that can't be read */
export function jsonAt(
  path: string,
  text: string | undefined,
  at: string[],
  dialect: Dialect,
): Json | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  return get(parseJson(path, text, dialect).value, at);
}

/** The value under a path of keys; undefined when something on the way is missing or not an object. */
export function get(root: Json, at: string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const key of at) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
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
