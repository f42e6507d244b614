import { isSettled } from './apply.ts';
import type { JobRecord } from './record.ts';
import { isFinal } from './words.ts';

/** Whose sessions count together: those of one agent kind, or of one profile. */
export function poolOf({ agent, profile }: { agent: string; profile?: string | undefined }): string {
  return profile ?? agent;
}

/** True while a job counts as having one of the sessions that may be in use: from its turn until its session has ended. */
export function usesNewSession(record: JobRecord): boolean {
  const { new_session: own, prepared, session_end: end } = record;
  if (own === undefined || end !== undefined || prepared?.includes('pool') !== true) return false;
  if (!isFinal(record.status)) return true;
  return wasStarted(record) && !(own.keep === true && isSettled(record));
}

/** True for a job whose turn it is to get a session of its own, and that has none yet. */
export function waitsForNewSession({ status, prepares = [], prepared = [] }: JobRecord): boolean {
  const next = prepares.find((step) => !prepared.includes(step));
  return status === 'queued' && next === 'pool';
}

/** True for an ended job whose session is still to be ended, once somebody has looked. */
export function isSessionLeft(record: JobRecord): boolean {
  const { new_session: own, session_end: end } = record;
  return (
    own !== undefined && own.keep !== true && end === undefined && isSettled(record) && wasStarted(record)
  );
}

/** True while nobody has looked at the end of a job whose session waits for that. */
export function isLookWanted(record: JobRecord): boolean {
  const { new_session: own, session_end: end, status } = record;
  const waits = own !== undefined && own.keep !== true && end === undefined && isFinal(status);
  return waits && wasStarted(record) && !isLookedAt(record);
}

/**
 * True once somebody has looked at the end of a job: its supervisor, or a person. Who cancels a job has looked. Of a job
 * from another host the supervisor looks there, at the copy.
 */
export function isLookedAt({ status, supervisor, looked_seq: seen = 0, wake_seq: last }: JobRecord): boolean {
  return status === 'cancelled' || supervisor.host !== undefined || seen >= last;
}

/** The agent has a session, or a hub began to start one. */
function wasStarted({ agent_session: session, starting_at: starting }: JobRecord): boolean {
  return session !== undefined || starting !== undefined;
}
