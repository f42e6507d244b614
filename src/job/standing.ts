import { needsAttention } from './apply.ts';
import { openCheckRequest } from './check.ts';
import { isHistory } from './history.ts';
import type { Behind, JobRecord } from './record.ts';

/** Where a job stands, as every list, board and page shows it. */
export interface Standing {
  status: string;
  /** More about `input_required` or `failed`. */
  reason?: string | undefined;
  /** Delivery stage reached, or `validating`. */
  phase: string;
  /** What keeps it from its pane, or a text for its peer. */
  blocked_by?: string | undefined;
  /** What is kept, where not the order: `messages` or `reminder`. */
  blocked_what?: string | undefined;
  /** The command that removes what stands in the way, where looking into the pane does not help. */
  blocked_step?: string | undefined;
  /** The job that it waits for, and what that one needs. */
  behind?: Behind | undefined;
  /** It waits for somebody; absent when it does not. */
  needs_you?: true | undefined;
}

/** The one place that says so, for rows and for what goes out with an event. */
export function standingOf(record: JobRecord): Standing {
  const { status, reason, phase, blocked_by, blocked_what, blocked_step, behind } = record;
  const needs = needsAttention(record) && !isHistory(record);
  return {
    ...{ status, reason, phase, blocked_by },
    ...(needs && { needs_you: true }),
    ...{ blocked_what, blocked_step, behind },
  };
}

/** The last words about a job: while its check is asked about, that question, and then what the peer has said. */
export function lastWords(record: Pick<JobRecord, 'requests' | 'detail'>): string | undefined {
  const asked = openCheckRequest(record)?.text;
  const { detail } = record;
  return asked === undefined || detail === undefined
    ? (asked ?? detail)
    : `${asked} The peer said: ${detail}`;
}
