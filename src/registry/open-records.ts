import { orElse } from '../base/or-else.ts';
import { isSamePlace } from '../base/real-place.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { foldOwn } from './history.ts';
import { type Home, readPointers } from './home.ts';

/** The open jobs of a registry as their journals say, the newest first. Needs no hub. */
export function openRecords(registryDir: string, home: Home): JobRecord[] {
  // Empty for a home in which no hub has run yet.
  const pointers = orElse(() => readPointers(home), []);
  return (
    pointers
      .filter((pointer) => isSamePlace(pointer.registryDir, registryDir))
      // One that can't be read is reported by `mam status`.
      .flatMap(({ jobId }) => orElse(() => [foldOwn(registryDir, jobId, home).record], []))
      .filter(({ status }) => !isFinal(status))
      .sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
  );
}
