import { MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import { addedIn, changedIn, type Lists, type Merged, merge } from './merge.ts';

/** Where an entry is, and how the user removes it. */
export interface Entry {
  path: string;
  keys: string[];
  /** The keys as the file writes them. */
  name: string;
  remove: string;
}

const MAX_KEY = 120;

/** An entry as it is in the file, as an earlier install wrote it (if any), and as it should be. */
interface Versions {
  present: unknown;
  ours: unknown;
  wanted: unknown;
}

/**
 * Brings an entry up to date.
 * @returns undefined when the user's own entry says all that is wanted; `kept` has a sentence for each of the user's values
 * @throws MamError `refused` when it is not as an earlier install wrote it
 */
export function renew(
  { path, keys, name, remove }: Entry,
  { present, ours, wanted }: Versions,
  lists: Lists = [],
): (Merged & { kept: string[] }) | undefined {
  const changed = ours === undefined ? [] : changedIn(present, ours, lists);
  if (ours !== undefined && changed.length === 0) {
    const merged = merge(wanted, { present, ours }, lists);
    const left = merged.theirs.map((at) => nameOf([...keys, ...at]));
    return { ...merged, kept: left.map((key) => `${key} in ${path} is your own: it is left as it is.`) };
  }
  if (changedIn(present, wanted, lists).length === 0) return undefined;
  throw new MamError(
    'refused',
    `${path} already has ${name}, and it is not what mam install wrote${listed(changed)}: it is left as it is, and nothing was changed.`,
    `To have it rewritten, remove it first (${remove}), then run this again.`,
  );
}

/**
 * Checks that an entry is ours, so that it can be removed.
 * @returns the keys that the user has added to it, which are removed with it
 * @throws MamError `refused` when it is not as an earlier install wrote it, nor as this one would
 */
export function lostWith(
  { path, keys, name, remove }: Entry,
  { present, ours, wanted }: Versions,
  lists: Lists = [],
): string[] {
  const changed = ours === undefined ? [] : changedIn(present, ours, lists);
  // An entry that the user has updated by hand is still ours.
  const found =
    changed.length === 0 ? ours : changedIn(present, wanted, lists).length === 0 ? wanted : undefined;
  if (found !== undefined) return addedIn(present, found, lists).map((at) => nameOf([...keys, ...at]));
  const why =
    ours === undefined
      ? 'was not written by mam install'
      : `was changed since mam install wrote it${listed(changed)}`;
  throw new MamError(
    'refused',
    `${name} in ${path} ${why}: it is left as it is, and nothing was changed.`,
    `Remove it yourself (${remove}), then run this again.`,
  );
}

/** A path of keys for a message; the keys may be the user's own. */
function nameOf(at: string[]): string {
  return cleanLine(at.join('.'), MAX_KEY);
}

function listed(changed: string[][]): string {
  const names = changed.filter((at) => at.length > 0).map(nameOf);
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}
