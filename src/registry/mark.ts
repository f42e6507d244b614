import { lstatSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';

/**
 * The state of a journal from which something was derived: its size in bytes, and when it was last written. What is
 * derived from a journal is valid only while the journal is still in that state.
 */
export type Mark = string;

/** @param bytes length of the journal @param mtimeMs when it was last written, in ms since 1970 */
export function markOf(bytes: number, mtimeMs: number): Mark {
  return `${bytes}@${mtimeMs}`;
}

/** When the journal was last written, in ms since 1970; 0 if the mark does not say. */
export function writtenAt(mark: Mark): number {
  return Number(mark.slice(mark.indexOf('@') + 1)) || 0;
}

/** The current state of a journal, from one `lstat`; nothing if it is not a plain file. */
export function presentMark(journal: string): Mark | undefined {
  const stat = orElse(() => lstatSync(journal), undefined);
  return stat?.isFile() === true ? markOf(stat.size, stat.mtimeMs) : undefined;
}
