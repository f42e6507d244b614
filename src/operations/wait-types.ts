import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { LogMessage } from './request.ts';

/** What a waiter asks for. */
export interface WaitRequest {
  /** Empty: the caller's own open jobs, and those that have ended since `cursor`. */
  job_ids: string[];
  until: 'any' | 'all';
  /** How long to wait at most, in milliseconds. */
  timeoutMs: number;
  /** Of an earlier answer: only what came after it counts. Absent: by level. */
  cursor?: string | undefined;
  /** The client session whose open jobs are meant when `job_ids` is empty. */
  session: string;
  /** The pane that it lives in: jobs of an earlier session there are meant as well. */
  place?: string | undefined;
  /** Called with the jobs that are meant when `job_ids` is empty. */
  onFound?: ((jobIds: readonly string[]) => void) | undefined;
  /** Called with every event as it comes. */
  onEvent?: ((message: LogMessage) => void) | undefined;
  /** Aborted when the client gave up: drops the waiter, never the job. */
  signal: AbortSignal;
}

/** Why a wait ended. */
export const WAIT_OUTCOMES = ['final', 'needs_attention', 'still_running'] as const;
export type WaitOutcome = (typeof WAIT_OUTCOMES)[number];

/** What a waiter is told. */
export interface WaitAnswer {
  outcome: WaitOutcome;
  jobs: JobRecord[];
  /** Ids of those that the hub has said nothing of in time. */
  unseen: string[];
  /** What happened since `cursor`, oldest first. */
  events: RecordedEvent[];
  /** How many older ones there were. */
  events_left_out: number;
  cursor: string;
}
