import { isJobId } from '../../base/ids.ts';
import { ProtocolError, RESOURCE_NOT_FOUND } from '../wire/protocol-error.ts';
import { JOBS_URI } from './offers.ts';

/** What one of our URIs names. */
export type JobUri = { kind: 'jobs' } | { kind: 'job' | 'log' | 'screen'; jobId: string };

/** Parses a URI before any part is used. @throws ProtocolError -32002 for one that is not ours or has no valid id */
export function parseJobUri(uri: string): JobUri {
  if (uri === JOBS_URI) return { kind: 'jobs' };
  const [, jobId, kind = 'job'] = /^mam:\/\/jobs\/([^/]+)(?:\/(log|screen))?$/.exec(uri) ?? [];
  if (jobId === undefined) {
    throw new ProtocolError(
      RESOURCE_NOT_FOUND,
      'There is no such resource. The resources are: mam://jobs, mam://jobs/{id}, mam://jobs/{id}/log and mam://jobs/{id}/screen.',
    );
  }
  if (!isJobId(jobId)) throw noSuchJob();
  return { kind: kind as 'job' | 'log' | 'screen', jobId };
}

/** The error for an id that no job has. */
export function noSuchJob(): ProtocolError {
  return new ProtocolError(
    RESOURCE_NOT_FOUND,
    'There is no job with this id. Read mam://jobs or call list_jobs for the existing ids.',
  );
}
