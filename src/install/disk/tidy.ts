import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeIfEmpty } from '../../base/folders.ts';
import { orElse } from '../../base/or-else.ts';
import { remove } from './files.ts';

/** The missing folders above a file, the outer ones first. */
export function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = dirname(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  return missing;
}

/** Removes folders that are empty, the inner ones first. @param folders the outer ones first */
export function removeFolders(folders: string[]): void {
  for (const folder of [...folders].reverse()) removeIfEmpty(folder);
}

/**
 * Removes the backups of a file that is again the same as the oldest of them, or is gone.
 * @param text of the file now; undefined when it is gone
 * @param backups from earlier calls, the oldest first
 * @param last the one of this call
 * @returns those of the earlier calls; undefined when they are kept
 */
export function sweepBackups(
  text: string | undefined,
  backups: string[],
  last: string | undefined,
): string[] | undefined {
  const [oldest] = backups;
  const first = oldest && orElse(() => readFileSync(oldest, 'utf8'), undefined);
  if (text !== undefined && text !== first) return undefined;
  for (const path of [...backups, last]) if (path !== undefined) remove(path);
  return backups;
}
