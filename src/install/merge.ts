import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../base/json.ts';

/** Keys of lists whose order means nothing: the user's own words may stand among ours. */
export type Lists = readonly string[];

/** What is under a path of keys; undefined stands for nothing at all. */
export interface Difference {
  at: string[];
  value: unknown;
}

/** What an entry becomes; undefined stands for nothing at all. */
export interface Merged {
  value: unknown;
  /** What of it is ours. */
  ours: unknown;
  /** Where the user says something else than is wanted, and never had it from us: paths of keys. */
  theirs: string[][];
}

/** Where an entry no longer says what was written, as paths of keys. What it says besides that does not count. */
export function changedIn(present: unknown, ours: unknown, lists: Lists = [], at: string[] = []): string[][] {
  // An object that holds nothing of ours may be gone.
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

/** What an entry says besides what was written, as paths of keys, the outermost of each. */
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

/** Brings an entry that says `ours`, and perhaps more, up to date: it says `wanted`, and still what is more. */
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
    return {
      value: withKeys(
        has,
        inner.map(([key, { value }]) => [key, value]),
      ),
      ours: withKeys(
        had,
        inner.map(([key, merged]) => [key, merged.ours]),
      ),
      theirs: inner.flatMap(([, { theirs }]) => theirs),
    };
  }
  // Ours no longer, but with something of the user's inside.
  if (wanted === undefined && isObject(present) && !isDeepStrictEqual(present, ours))
    return merge({}, { present, ours }, lists, at);
  if (isList(present, lists, at) && isList(wanted, lists, at)) {
    const had = Array.isArray(ours) ? ours : [];
    const more = present.filter((word) => !had.includes(word) && !wanted.includes(word));
    const needless = present.some((word) => had.includes(word) && !wanted.includes(word));
    const whole = !needless && wanted.every((word) => present.includes(word));
    return whole
      ? { value: present, ours, theirs: [] }
      : { value: [...wanted, ...more], ours: wanted, theirs: [] };
  }
  if (present !== undefined && ours === undefined) return { value: present, ours, theirs: [at] };
  return { value: wanted, ours: wanted, theirs: [] };
}

/** Where two entries differ, and what the second one says there. */
export function differences(from: unknown, to: unknown, at: string[] = []): Difference[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isObject(to) || !(isObject(from) || from === undefined)) return [{ at, value: to }];
  const keys = new Set([...Object.keys(to), ...Object.keys(from ?? {})]);
  return [...keys].flatMap((key) => differences(from?.[key], to[key], [...at, key]));
}

/** The object with these keys set, or taken out where the value is undefined. */
function withKeys(object: object, entries: [string, unknown][]): unknown {
  const changed = Object.entries({ ...object, ...Object.fromEntries(entries) });
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined));
}

function isList(value: unknown, lists: Lists, at: string[]): value is unknown[] {
  return lists.includes(at.at(-1) ?? '') && Array.isArray(value);
}
