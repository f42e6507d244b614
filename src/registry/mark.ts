import { lstatSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';

/**
 * Which state of a journal something was made of: how many bytes it had, and when it was last written. What is derived
 * from a journal counts only while the journal is still in that state.
 */
export type Mark = string;

/** @param bytes length of the journal @param writtenAt its `mtime`, in ms since 1970 */
export function markOf(bytes: number, writtenAt: number): Mark {
  return `${bytes}@${writtenAt}`;
}

/** The present state of a journal, by one look; nothing where there is no plain file. */
export function presentMark(journal: string): Mark | undefined {
  const stat = orElse(() => lstatSync(journal), undefined);
  return stat?.isFile() === true ? markOf(stat.size, stat.mtimeMs) : undefined;
}
