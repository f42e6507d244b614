import { orElse } from '../base/or-else.ts';
import type { JobRecord } from '../job/record.ts';
import { type Home, readPointers } from '../registry/home.ts';
import { jobPaths } from '../registry/paths.ts';
import { readObject } from '../trust/files.ts';

/** A job that this home has open, and what its `job.json` says: only a hint, not checked. */
export interface OpenJob {
  jobId: string;
  registryDir: string;
  record: Partial<JobRecord>;
}

/** The open jobs of a home; none if they can't be read. */
export function openJobs(home: Home): OpenJob[] {
  return orElse(() => readPointers(home), []).map(({ jobId, registryDir }) => {
    return { jobId, registryDir, record: readObject(jobPaths(registryDir, jobId).record) };
  });
}
