import { isObject, parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import type { JobRecord } from '../job/record.ts';
import { type Home, readPointers } from '../registry/home.ts';
import { jobPaths } from '../registry/paths.ts';
import { readForeign } from '../trust/files.ts';

/** A job that this home has open, and what its `job.json` says, as it is there: a hint for a look, and no more. */
export interface OpenJob {
  jobId: string;
  registryDir: string;
  record: Partial<JobRecord> | undefined;
}

/** The open jobs of a home; none where it has none yet, or they can't be read. */
export function openJobs(home: Home): OpenJob[] {
  return orElse(() => readPointers(home), []).map(({ jobId, registryDir }) => ({
    ...{ jobId, registryDir },
    record: recordIn(jobPaths(registryDir, jobId).record),
  }));
}

function recordIn(path: string): Partial<JobRecord> | undefined {
  const value = parseJson(orElse(() => readForeign(path), ''));
  return isObject(value) ? value : undefined;
}
