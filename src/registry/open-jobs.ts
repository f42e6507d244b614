import { orElse } from '../base/or-else.ts';
import { isHistory } from '../job/history.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { foldProven } from './history.ts';
import { type Home, readPointers } from './home.ts';
import { hasJob, jobPaths } from './paths.ts';
import { readRecord } from './record-file.ts';
import { Seal } from './seal.ts';

/**
 * The open jobs of a home, in all its registries, as their hub has last written them: two small files are read for each,
 * however many jobs the registries have.
 * @param registryDir only the jobs of this registry
 * @throws MamError `io` for a damaged key
 */
export function openJobs(home: Home, registryDir?: string): JobRecord[] {
  const seal = Seal.existing(home);
  if (seal === undefined) return [];
  // Empty for a home in which no hub has run yet.
  return orElse(() => readPointers(home), [])
    .filter((pointer) => registryDir === undefined || pointer.registryDir === registryDir)
    .flatMap((pointer) => recordOf(pointer.registryDir, pointer.jobId, seal) ?? [])
    .filter((record) => !isFinal(record.status) && !isHistory(record));
}

/** @returns nothing for a job whose folder is away or gone, or that this home has not delegated */
function recordOf(registryDir: string, jobId: string, seal: Seal): JobRecord | undefined {
  return orElse(() => {
    if (!hasJob(registryDir, jobId)) return undefined;
    const written = readRecord(jobPaths(registryDir, jobId).record, jobId, seal);
    if (written !== undefined) return written;
    const { folded, isProven } = foldProven(registryDir, jobId, seal);
    return isProven ? folded.record : undefined;
  }, undefined);
}
