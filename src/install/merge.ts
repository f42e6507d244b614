import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../base/json.ts';

/** Keys of lists without an order: the user's own words may be among ours. */
export type Lists = readonly string[];

/** The value under a path of keys; undefined means that there is none. */
export interface Difference {
  at: string[];
  value: unknown;
}

/** What an entry becomes; undefined means that it is gone. */
export interface Merged {
  value: unknown;
  ours: unknown;
  /** Paths of keys where the user has another value, which never came from us. */
  theirs: string[][];
}

/** Where an entry no longer says what was written, as paths of keys. Additions don't count. */
export function changedIn(present: unknown, ours: unknown, lists: Lists = [], at: string[] = []): string[][] {
  // An object that holds nothing of ours may be missing.
  if (isObject(ours) && (isObject(present) || present === undefined)) {
    return Object.entries(ours).flatMap(([key, value]) =>
      changedIn(present?.[key], value, lists, [...at, key]),
    );
  }
  const same =
    isList(present, lists, at) && isList(ours, lists, at)
      ? ours.every((word) => present.includes(word))
      : isDeepStrictEqual(present, ours);
  return same ? [] : [at];
}

/** What an entry says in addition to what was written, as the outermost paths of keys. */
export function addedIn(present: unknown, ours: unknown, lists: Lists = [], at: string[] = []): string[][] {
  if (isObject(present) && isObject(ours)) {
    return Object.entries(present).flatMap(([key, value]) => {
      const path = [...at, key];
      return Object.hasOwn(ours, key) ? addedIn(value, ours[key], lists, path) : [path];
    });
  }
  if (!isList(present, lists, at) || !isList(ours, lists, at)) return [];
  return present.filter((word) => !ours.includes(word)).map((word) => [...at, String(word)]);
}

/** Updates an entry from `ours` to `wanted`, and keeps what the user has added. */
export function merge(
  wanted: unknown,
  { present, ours }: { present: unknown; ours: unknown },
  lists: Lists = [],
  at: string[] = [],
): Merged {
  if (isDeepStrictEqual(present, wanted)) return { value: present, ours, theirs: [] };
  if (isObject(wanted) && (isObject(present) || present === undefined)) {
    const [has, had] = [present ?? {}, isObject(ours) ? ours : {}];
    const keys = new Set([...Object.keys(wanted), ...Object.keys(had)]);
    const inner = [...keys].map((key) => {
      const parts = { present: has[key], ours: had[key] };
      return [key, merge(wanted[key], parts, lists, [...at, key])] as const;
    });
    const merged = (part: 'value' | 'ours'): [string, unknown][] =>
      inner.map(([key, entry]) => [key, entry[part]]);
    return {
      value: withKeys(has, merged('value')),
      ours: withKeys(had, merged('ours')),
      theirs: inner.flatMap(([, { theirs }]) => theirs),
    };
  }
  // No longer wanted, but something of the user's is inside.
  if (wanted === undefined && isObject(present) && !isDeepStrictEqual(present, ours))
    return merge({}, { present, ours }, lists, at);
  if (isList(present, lists, at) && isList(wanted, lists, at)) {
    const had = Array.isArray(ours) ? ours : [];
    const more = present.filter((word) => !had.includes(word) && !wanted.includes(word));
    const hasOutdated = present.some((word) => had.includes(word) && !wanted.includes(word));
    const whole = !hasOutdated && wanted.every((word) => present.includes(word));
    return whole
      ? { value: present, ours, theirs: [] }
      : { value: [...wanted, ...more], ours: wanted, theirs: [] };
  }
  if (present !== undefined && ours === undefined) return { value: present, ours, theirs: [at] };
  return { value: wanted, ours: wanted, theirs: [] };
}

/** Where two entries differ, with the value in the second. */
export function differences(from: unknown, to: unknown, at: string[] = []): Difference[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isObject(to) || !(isObject(from) || from === undefined)) return [{ at, value: to }];
  const keys = new Set([...Object.keys(to), ...Object.keys(from ?? {})]);
  return [...keys].flatMap((key) => differences(from?.[key], to[key], [...at, key]));
}

/** The object with these keys set, or removed if the value is undefined. */
function withKeys(object: object, entries: [string, unknown][]): unknown {
  const changed = Object.entries({ ...object, ...Object.fromEntries(entries) });
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined));
}

function isList(value: unknown, lists: Lists, at: string[]): value is unknown[] {
  return lists.includes(at.at(-1) ?? '') && Array.isArray(value);
}
