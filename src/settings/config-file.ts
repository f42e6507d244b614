import { dirname, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { isObject, parseJson, parseObject } from '../base/json.ts';
import { type AgentConfig, withPlaces } from './agent-config.ts';
import { withDefaults } from './hosts-config.ts';
import { readJson } from './kinds.ts';
import { ALL_SETTINGS, type Given, type Setting } from './table.ts';

const BY_KEY = new Map(ALL_SETTINGS.flatMap((setting) => (setting.key ? [[setting.key, setting]] : [])));
const HINT = `The settings are: ${[...BY_KEY.keys()].join(', ')}.`;

/** Reads a `config.json`. @param base of its relative paths @throws MamError `bad_input` that says what is wrong */
export function parseConfigFile(path: string, text: string, base: string = dirname(path)): Given {
  const value = parseJson(text);
  // The parser's own message would quote the file, which may hold a password.
  if (value === undefined) throw new MamError('bad_input', `${path} is not valid JSON.`, 'Fix or remove it.');
  if (!isObject(value)) throw new MamError('bad_input', `${path} must be an object.`, HINT);
  const given: Record<string, unknown> = {};
  let unknown: string | undefined;
  for (const [key, one] of Object.entries(value)) {
    const setting = BY_KEY.get(key);
    const read = setting && readJson(setting, path, one);
    if (setting === undefined) unknown ??= key;
    else if (read !== undefined) given[setting.field] = placed(setting.kind, read, base);
  }
  if (unknown !== undefined)
    throw new MamError('bad_input', `${path} has the unknown setting ${JSON.stringify(unknown)}.`, HINT);
  return given as Given;
}

function placed(kind: Setting['kind'], read: unknown, base: string): unknown {
  if (kind === 'path') return resolve(base, String(read));
  if (kind === 'hosts') return withDefaults(read as Parameters<typeof withDefaults>[0]);
  return kind === 'agents' ? withPlaces(read as Record<string, AgentConfig>, base) : read;
}

/** The settings in a file by key, with their raw values, valid or not. */
export function settingsIn(text: string): Record<string, unknown> {
  const file = parseObject(text);
  return Object.fromEntries(
    [...BY_KEY.keys()].filter((key) => Object.hasOwn(file, key)).map((key) => [key, file[key]]),
  );
}
