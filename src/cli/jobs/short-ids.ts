import { randomPartOf } from '../../base/ids.ts';

/** With more ids than this, comparing each with all others would take too long. */
const COMPARED = 2_000;
/** How many characters of an id a person can tell from others at a glance. */
const SHORT_CHARS = 8;

/**
 * The shortest form of each id that still means only this one of them: its random part, else as much of its beginning as
 * it takes. Commands take any unique part of an id.
 */
export function shortIds(ids: readonly string[]): string[] {
  if (ids.length > COMPARED) return [...ids];
  const all = ids.join('\n');
  const isUnique = (part: string): boolean => all.indexOf(part) === all.lastIndexOf(part);
  return ids.map((id) => partsOf(id).find(isUnique) ?? id);
}

function partsOf(id: string): string[] {
  const random = randomPartOf(id);
  const beginnings = Array.from({ length: Math.max(0, id.length - SHORT_CHARS) }, (_, more) =>
    id.slice(0, SHORT_CHARS + more),
  );
  return [...(random === undefined ? [] : [random]), ...beginnings.filter((part) => !part.endsWith('-'))];
}
