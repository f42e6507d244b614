import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../base/json.ts';
import { parseToml } from './toml-text.ts';

/** True when the second text has the table as wanted, and the two texts are otherwise equal. */
export function proves(
  path: string,
  at: [string, string],
  texts: [string, string],
  wanted: unknown,
): boolean {
  const [outer, inner] = at;
  const rest = (text: string): unknown => {
    const { [outer]: tables, ...others } = parseToml(path, text) as Record<string, object>;
    if (tables === undefined) return others;
    const { [inner]: _ours, ...kept } = tables as Record<string, unknown>;
    // A table that holds only ours may have been missing before.
    return Object.keys(kept).length === 0 ? others : { ...others, [outer]: kept };
  };
  try {
    const [before, after] = texts.map(rest);
    return isDeepStrictEqual(before, after) && isDeepStrictEqual(tableOf(path, texts[1], at), wanted);
  } catch {
    return false;
  }
}

/**
 * A table's value, in a form that stays the same when a client rewrites it (30 as 30.0, an empty list left out).
 * @returns undefined when there is none
 * @throws MamError `refused` for a text that can't be read
 */
export function tableOf(path: string, text: string, [outer, inner]: [string, string]): unknown {
  const tables = parseToml(path, text)[outer];
  const table = isTable(tables) ? tables[inner] : undefined;
  return table === undefined ? undefined : normal(table);
}

function normal(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(normal);
  if (!isTable(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, normal(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => !(Array.isArray(inner) && inner.length === 0)));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !(value instanceof Date);
}
