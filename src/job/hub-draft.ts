import { newEventId } from '../base/ids.ts';
import type { Draft } from './event.ts';

/** An event of the hub's own. */
export function hubDraft(jobId: string, type: string, more: Partial<Draft> = {}): Draft {
  return {
    event_id: newEventId(),
    job_id: jobId,
    type,
    source: 'hub',
    at: new Date().toISOString(),
    ...more,
  };
}
