import type { JobRecord, PeerRequest } from './record.ts';

/** True until a request is settled. */
export function isOpen({ resolved_at }: Pick<PeerRequest, 'resolved_at'>): boolean {
  return resolved_at === undefined;
}

/** The open requests of a job, oldest first; only those of `kind`, if given. */
export function openRequests(
  { requests }: Pick<JobRecord, 'requests'>,
  kind?: PeerRequest['kind'],
): PeerRequest[] {
  return requests.filter((request) => isOpen(request) && (kind === undefined || request.kind === kind));
}

/** True for a request that a hook or the screen reported: only they know when it is settled. */
export function isEvidence({ source }: PeerRequest): boolean {
  return source === 'hook' || source === 'hub';
}
