import { openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest, Validation } from './record.ts';

/** What a check came to that has said nothing about the work. */
export const UNDECIDED = ['could_not_run', 'could_not_finish'] as const;
export type Undecided = (typeof UNDECIDED)[number];

/** True for the last run of a check that has said nothing about the work. */
export function isUndecided({ outcome }: { outcome?: string | undefined }): boolean {
  return UNDECIDED.some((one) => one === outcome);
}

/** What a run of a check came to, in the words of the logs; nothing of an event that is none. */
export function verdictWords({
  passed,
  outcome,
  exit_code: code,
}: Partial<Pick<Validation, 'passed' | 'outcome' | 'exit_code'>>): string | undefined {
  if (outcome === 'could_not_run') return 'COULD NOT RUN';
  if (outcome === 'could_not_finish') return 'COULD NOT FINISH';
  if (passed === undefined) return undefined;
  return passed ? 'PASS' : `FAIL (exit ${code ?? 'unknown'})`;
}

/** True for the question whether the work counts without its check: the hub asks it, and a decision answers it. */
export function isAboutCheck({ kind, source }: Pick<PeerRequest, 'kind' | 'source'>): boolean {
  return kind === 'question' && source === 'hub';
}

/** True while the peer's claim to be done is being checked, or waits for a decision. */
export function claims(record: Pick<JobRecord, 'phase' | 'requests'>): boolean {
  return record.phase === 'validating' || openCheckRequest(record) !== undefined;
}

/** That question, while it is open. */
export function openCheckRequest(record: Pick<JobRecord, 'requests'>): PeerRequest | undefined {
  return openRequests(record).find(isAboutCheck);
}
