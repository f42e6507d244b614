import type { JobHome } from './home.ts';
import { isFinal, type Status } from './words.ts';

/** The reason of an open job that is lost. */
export const LOST = 'lost';

interface Job {
  status: string;
  reason?: string | undefined;
  home?: JobHome | undefined;
}

/** True for an open job that needs someone because its host is away. */
export function isHostOffline({ status, home }: Job): boolean {
  return home?.offline_since !== undefined && !isLost({ home }) && !isFinal(status as Status);
}

/** True for a job of which nothing more will come: its host has it no longer, or was given up. */
export function isLost({ home }: Pick<Job, 'home'>): boolean {
  return home?.state === 'lost';
}

/** True when nothing more is expected of a job: it is final, or lost. */
export function isOver(job: Pick<Job, 'status' | 'home'>): boolean {
  return isFinal(job.status as Status) || isLost(job);
}

/** More about a job's status, in one word. What it needs of its host comes first: without it, nothing else helps. */
export function reasonOf(job: Job): string | undefined {
  if (isHostOffline(job)) return 'host_offline';
  return isLost(job) && !isFinal(job.status as Status) ? LOST : job.reason;
}

/**
 * What someone must be told of a job that its home has not said in an event: the host is away, the job is lost, or was
 * never taken.
 * @returns the number of that episode, while it lasts; 0 if there is nothing
 */
export function homeNews(job: Job & { seq: number }): number {
  const { home, seq, status } = job;
  if (home === undefined) return 0;
  const isEnded = isFinal(status as Status);
  // Only this hub's own verdict ends a job without any event.
  const isNews = isEnded ? seq === 0 : isHostOffline(job) || isLost(job);
  return isNews ? home.episode : 0;
}
