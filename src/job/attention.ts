import type { JobRecord } from './record.ts';
import { ATTENTION_REASONS, type AttentionReason } from './words.ts';

/** What a record says of an obstacle. */
const OBSTACLE = [
  ...(['blocked_by', 'held_up', 'blocked_what'] as const),
  ...(['blocked_evidence', 'blocked_step', 'behind'] as const),
];

/** Adds a reason for which the job needs someone. */
export function raise(next: JobRecord, reason: AttentionReason): void {
  setAttention(next, [...next.attention, reason]);
}

/** Takes reasons away; without any the job goes on. */
export function lower(next: JobRecord, reasons: readonly AttentionReason[]): void {
  setAttention(
    next,
    next.attention.filter((reason) => !reasons.some((one) => one === reason)),
  );
}

/** Nothing keeps the job, or a text for its peer, from its pane any more. */
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
    // A text for the peer is still kept out.
    if (next.blocked_what === undefined) unblock(next);
  } else if (next.status === 'input_required') {
    // One that was never handed over goes back to its queue.
    next.status = next.submitted_at === undefined ? 'queued' : 'working';
    delete next.reason;
  }
}
