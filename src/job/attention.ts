import type { JobRecord } from './record.ts';
import { ATTENTION_REASONS, type AttentionReason } from './words.ts';

/** The fields of a record that describe an obstacle. */
const OBSTACLE = [
  ...(['blocked_by', 'held_up', 'blocked_what'] as const),
  ...(['blocked_evidence', 'blocked_step', 'behind'] as const),
];

/** Adds a reason for which the job needs someone. */
export function raise(next: JobRecord, reason: AttentionReason): void {
  setAttention(next, [...next.attention, reason]);
}

/** Removes reasons; when none is left, the job continues. */
export function lower(next: JobRecord, reasons: readonly AttentionReason[]): void {
  setAttention(
    next,
    next.attention.filter((reason) => !reasons.some((one) => one === reason)),
  );
}

/** True while the agent works on the job, whoever is needed: a job over its budget goes on. */
export function isAtWork({ status, attention }: Pick<JobRecord, 'status' | 'attention'>): boolean {
  if (status === 'working') return true;
  return status === 'input_required' && attention.every((reason) => reason === 'over_budget');
}

/** Nothing blocks the job, or a text for its peer, any longer. */
export function unblock(next: JobRecord): void {
  for (const name of OBSTACLE) delete next[name];
}

function setAttention(next: JobRecord, reasons: readonly string[]): void {
  const attention = ATTENTION_REASONS.filter((reason) => reasons.includes(reason));
  const [top] = attention;
  next.attention = attention;
  if (top !== undefined) {
    next.status = 'input_required';
    next.reason = top;
    // A text for the peer may still be blocked.
    if (next.blocked_what === undefined) unblock(next);
  } else if (next.status === 'input_required') {
    // A job that was never handed over goes back to its queue.
    next.status = next.submitted_at === undefined ? 'queued' : 'working';
    delete next.reason;
  }
}
