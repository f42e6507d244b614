import type { RecordedEvent } from '../../job/event.ts';
import type { JobRecord } from '../../job/record.ts';
import type { AgentRow } from '../../operations/agents.ts';

/** A line of a longer text, and how it is marked. */
export interface TextLine {
  text: string;
  tone?: 'head' | 'good' | 'bad' | 'mark' | 'dim' | undefined;
}

/** The newest events of a job, oldest first, and the job after them. */
export interface Log {
  jobId: string;
  record: JobRecord;
  events: readonly RecordedEvent[];
}

/** What is fetched only when someone wants to read it. */
export interface Texts {
  prompt: { jobId: string; text: string } | undefined;
  log: Log | undefined;
  changes: { jobId: string; lines: readonly TextLine[] } | undefined;
  /** The agents that run, and the kinds that can be started. */
  agents: readonly AgentRow[] | undefined;
  /** Why one of them could not be fetched; it is not asked for again until it is opened again. */
  failed: { what: TextName; text: string } | undefined;
}
export type TextName = 'prompt' | 'log' | 'changes' | 'agents';

/** A text has arrived. */
export type TextAction =
  | { type: 'read'; texts: Partial<Texts> }
  | { type: 'unread'; what: TextName; text: string };

export const NO_TEXTS: Texts = {
  prompt: undefined,
  log: undefined,
  changes: undefined,
  agents: undefined,
  failed: undefined,
};

/** Without one of the texts, so that it is fetched again. */
export function forget(texts: Texts, what: TextName): Texts {
  return { ...texts, [what]: undefined, failed: undefined };
}
