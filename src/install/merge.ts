import { isDeepStrictEqual } from 'node:util';
import { isRecord } from './entry.ts';

/** Keys of lists whose order means nothing: the user's own words may stand among ours. */
type Lists = readonly string[];

/** A change inside an entry: what shall be under a path of keys. */
export interface Step {
  at: string[];
  /** Undefined when nothing shall be there any more. */
  value: unknown;
  /** What of that is ours: a list may hold words of the user too. */
  ours: unknown;
  /** True when the user says something else there, and never had it from us. */
  theirs: boolean;
}

/** Where an entry no longer says what was written, as paths of keys. What it says beside that does not count. */
export function changedIn(present: unknown, ours: unknown, lists: Lists = [], at: string[] = []): string[][] {
  // An object that holds nothing of ours may be gone.
  if (isRecord(ours) && (isRecord(present) || present === undefined)) {
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

/** What an entry says beside what was written, as paths of keys, the outermost of each. */
export function addedIn(present: unknown, ours: unknown, lists: Lists = [], at: string[] = []): string[][] {
  if (isRecord(present) && isRecord(ours)) {
    return Object.entries(present).flatMap(([key, value]) => {
      const path = [...at, key];
      return Object.hasOwn(ours, key) ? addedIn(value, ours[key], lists, path) : [path];
    });
  }
  if (!isList(present, lists, at) || !isList(ours, lists, at)) return [];
  return present.filter((word) => !ours.includes(word)).map((word) => [...at, String(word)]);
}

/** What has to change in an entry that says `ours`, and more, so that it says `wanted`, and still what is more. */
export function stepsTo(
  wanted: unknown,
  { present, ours }: { present: unknown; ours: unknown },
  lists: Lists = [],
  at: string[] = [],
): Step[] {
  if (isDeepStrictEqual(present, wanted)) return [];
  if (isRecord(wanted) && (isRecord(present) || present === undefined)) {
    const [has, had] = [present ?? {}, isRecord(ours) ? ours : {}];
    const keys = new Set([...Object.keys(wanted), ...Object.keys(had)]);
    return [...keys].flatMap((key) =>
      stepsTo(wanted[key], { present: has[key], ours: had[key] }, lists, [...at, key]),
    );
  }
  // Ours no longer, but with something of the user's inside.
  if (wanted === undefined && isRecord(present) && !isDeepStrictEqual(present, ours))
    return stepsTo({}, { present, ours }, lists, at);
  if (isList(present, lists, at) && isList(wanted, lists, at)) {
    const had = Array.isArray(ours) ? ours : [];
    const more = present.filter((word) => !had.includes(word) && !wanted.includes(word));
    const needless = present.some((word) => had.includes(word) && !wanted.includes(word));
    const whole = !needless && wanted.every((word) => present.includes(word));
    return whole ? [] : [{ at, value: [...wanted, ...more], ours: wanted, theirs: false }];
  }
  return [{ at, value: wanted, ours: wanted, theirs: present !== undefined && ours === undefined }];
}

/** What an entry says after these steps; so too what of it is ours. */
export function afterSteps(before: unknown, steps: Step[]): unknown {
  const entry = structuredClone(before) as Record<string, unknown>;
  for (const { at, value } of steps) {
    let object = entry;
    for (const key of at.slice(0, -1)) {
      object[key] ??= {};
      object = object[key] as Record<string, unknown>;
    }
    const key = at.at(-1) as string;
    if (value === undefined) delete object[key];
    else object[key] = value;
  }
  return entry;
}

function isList(value: unknown, lists: Lists, at: string[]): value is unknown[] {
  return lists.includes(at.at(-1) ?? '') && Array.isArray(value);
}
