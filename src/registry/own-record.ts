import type { JobRecord } from '../job/record.ts';
import type { JobPaths } from './paths.ts';
import { readRecord } from './record-file.ts';
import { readReplica, signerOf } from './replica-file.ts';
import type { Seal } from './seal.ts';

/** A job's last written record if this home has written it, be it of its own job or of the copy of another host's. */
export function readOwnRecord(paths: JobPaths, jobId: string, seal: Seal): JobRecord | undefined {
  return readRecord(paths.record, jobId, seal, signerOf(jobId, readReplica(paths, jobId, seal)));
}
