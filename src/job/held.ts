import type { JobRecord } from './record.ts';

/** True for a job that is being prepared: it is in no pane's queue yet, and its agent is not being started. */
export function isHeld({
  status,
  prepares,
  agent_session,
  starting_at,
}: Pick<JobRecord, 'status' | 'prepares' | 'agent_session' | 'starting_at'>): boolean {
  return (
    status === 'queued' && prepares !== undefined && agent_session === undefined && starting_at === undefined
  );
}
