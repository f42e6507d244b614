import { openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest, Validation } from './record.ts';

/** The outcomes of a check that say nothing about the work. */
export const UNDECIDED = ['could_not_run', 'could_not_finish'] as const;
export type Undecided = (typeof UNDECIDED)[number];

/** True when the last run of a check said nothing about the work. */
export function isUndecided({ outcome }: { outcome?: string | undefined }): boolean {
  return UNDECIDED.some((one) => one === outcome);
}

/** The outcome of a check's run as the logs show it; nothing for any other event. */
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

/** True for the hub's question whether to accept the work without its check; a decision answers it. */
export function isAboutCheck({ kind, source }: Pick<PeerRequest, 'kind' | 'source'>): boolean {
  return kind === 'question' && source === 'hub';
}

/** True while the peer's claim to be done is being checked, or waits for a decision. */
export function claims(record: Pick<JobRecord, 'phase' | 'requests'>): boolean {
  return record.phase === 'validating' || openCheckRequest(record) !== undefined;
}

/** The open question about the check, if any. */
export function openCheckRequest(record: Pick<JobRecord, 'requests'>): PeerRequest | undefined {
  return openRequests(record).find(isAboutCheck);
}
