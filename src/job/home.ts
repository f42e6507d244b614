import { z } from 'zod';
import { isFinal, type Status } from './words.ts';

/** Of a job whose peer works on another machine: what is known here of that machine. */
export const homeSchema = z.object({
  host: z.string().describe('the machine that it runs on; paths of the job are paths there'),
  state: z
    .enum(['asking', 'following', 'ended', 'lost'])
    .describe('asking: that machine has not confirmed it; lost: nothing more will come from there'),
  online: z.boolean(),
  offline_since: z.string().optional(),
  synced_at: z.string().optional().describe('when this copy was last known to be complete'),
  /** How many times the host was away: a waiter is told once each time. */
  episode: z.number().int(),
});
export type JobHome = z.infer<typeof homeSchema>;

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

/** More about a job's status, in one word. What it needs of its host comes first: without it, nothing else helps. */
export function reasonOf(job: Job): string | undefined {
  if (isHostOffline(job)) return 'host_offline';
  return isLost(job) && !isFinal(job.status as Status) ? LOST : job.reason;
}
