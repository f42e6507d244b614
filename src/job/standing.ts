import { needsAttention } from './apply.ts';
import { isHistory } from './history.ts';
import type { JobRecord } from './record.ts';

/** Where a job stands, as every list, board and page shows it. */
export interface Standing {
  status: string;
  /** More about `input_required` or `failed`. */
  reason?: string | undefined;
  /** Delivery stage reached, or `validating`. */
  phase: string;
  /** What stands in the way while queued. */
  blocked_by?: string | undefined;
  /** It waits for somebody; absent when it does not. */
  needs_you?: true | undefined;
}

/** The one place that says so, for rows and for what goes out with an event. */
export function standingOf(record: JobRecord): Standing {
  const { status, reason, phase, blocked_by } = record;
  const needs = needsAttention(record) && !isHistory(record);
  return { status, reason, phase, blocked_by, ...(needs && { needs_you: true }) };
}
