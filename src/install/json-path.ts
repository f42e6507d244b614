import { isRecord } from './entry.ts';
import type { Json } from './json-text.ts';

/** The value under a path of keys, which must be there. */
export function get(root: Json, at: string[]): Json {
  return at.reduce((value, key) => (value as Record<string, Json>)[key] as Json, root);
}

/** Puts a value there, with the objects that are missing on the way. */
export function put(root: Json, at: string[], value: Json): void {
  let object = root as Record<string, Json>;
  for (const key of at.slice(0, -1)) {
    object[key] ??= {};
    object = object[key] as Record<string, Json>;
  }
  object[at.at(-1) as string] = structuredClone(value);
}

/** Takes out what is there. */
export function drop(root: Json, at: string[]): void {
  delete (get(root, at.slice(0, -1)) as Record<string, Json>)[at.at(-1) as string];
}

/** False where something on the way is no object. */
export function reaches(root: Json, at: string[]): boolean {
  let value: Json | undefined = root;
  for (const key of at) {
    if (value === undefined) return true;
    if (!isRecord(value)) return false;
    value = value[key];
  }
  return true;
}
