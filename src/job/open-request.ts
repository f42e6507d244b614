import { isAboutCheck } from './check.ts';
import { openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';

/** The open request that a job needs an answer to now: decisions come before questions. */
export function openRequest(record: Pick<JobRecord, 'requests'>): PeerRequest | undefined {
  const open = openRequests(record);
  return open.find(({ kind }) => kind === 'permission') ?? open.find(isAboutCheck) ?? open[0];
}
