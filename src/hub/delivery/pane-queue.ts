import { isHeld } from '../../job/held.ts';
import { isFinal } from '../../job/words.ts';
import type { Obstacle } from '../../tmux/deliver.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Blocked } from './obstacles.ts';

/** The jobs of one pane, in their order; the first one holds the pane. */
export interface PaneQueue {
  key: string;
  jobs: LiveJob[];
  /** Set while something runs at the pane. */
  stop: AbortController | undefined;
  /** What runs there is not for one of its jobs, so their ends don't stop it. */
  apart: boolean;
  /** What to do for the first job after its prompt, in this order. */
  errands: Queued[];
  lookAgain: NodeJS.Timeout | undefined;
  /** What blocks the first job. */
  blocked: Blocked | undefined;
  /** Since when the first job has needed attention, by the clock of all time limits, and a timer for those behind it. */
  stuck: { since: number; end: () => void } | undefined;
  /** Settles when the jobs behind are up to date. */
  updating: Promise<void>;
}

/** How an errand ended: `later`, or with an obstacle, it is tried again when the pane has changed. */
export type Kept = 'done' | 'later' | Obstacle;

/** Something to be typed for a job that has its prompt. */
export interface Errand {
  what: 'messages' | 'reminder';
  run: (stop: AbortSignal) => Promise<Kept>;
  /** Called at the end, done or dropped. */
  settled?: () => void;
}

/** An errand in its queue, or one for none of the pane's jobs. */
interface Queued extends Omit<Errand, 'what'> {
  job: LiveJob | undefined;
  what?: Errand['what'];
  blocked?: Blocked | undefined;
}

export function newQueue(key: string): PaneQueue {
  return {
    key,
    jobs: [],
    stop: undefined,
    apart: false,
    errands: [],
    lookAgain: undefined,
    blocked: undefined,
    stuck: undefined,
    updating: Promise.resolve(),
  };
}

/** True for a job that has not been typed yet. */
export function isWaiting({ record }: LiveJob): boolean {
  return record.status === 'queued' && record.phase === 'queued';
}

/** True for a job whose agent was not started yet when its hub ended. */
export function isStillStarting({ record }: LiveJob): boolean {
  const isStarting = record.status === 'queued' && record.agent !== 'human' && !isHeld(record);
  return isStarting && record.agent_session === undefined;
}

/** The open jobs that have a pane: first those that have been typed, then the others, oldest first. */
export function inTheirOrder(jobs: readonly LiveJob[]): LiveJob[] {
  return jobs
    .filter((job) => job.record.agent_session !== undefined && !isFinal(job.record.status))
    .sort(
      (a, b) =>
        Number(isWaiting(a)) - Number(isWaiting(b)) || a.record.created_at.localeCompare(b.record.created_at),
    );
}
