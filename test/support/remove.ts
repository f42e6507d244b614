import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LABS } from './processes.ts';

/** Removes a file or folder in one step: a hub may be writing into it, and what it writes meanwhile would stay. */
export function removeAtOnce(path: string): void {
  const aside = mkdtempSync(LABS);
  renameSync(path, join(aside, 'removed'));
  rmSync(aside, { recursive: true });
}
