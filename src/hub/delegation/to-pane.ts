import type { LiveJob } from '../jobs/live-job.ts';
import { createJob, type Ordered, type Parts } from './create-job.ts';
import type { Place } from './place.ts';
import { refuseHeld } from './refuse-busy.ts';

/**
 * Creates a job for a running agent: its order is typed into the agent's pane.
 * @returns when it is on disk
 * @throws MamError as `createJob`, and `conflict` when another job holds the pane and `on_busy` is `refuse`
 */
export async function toPane(parts: Parts, wish: Ordered, { session, glance }: Place): Promise<LiveJob> {
  const { dispatcher } = parts;
  // Nothing is awaited from here to the queue: of two jobs for one pane, the second one sees the first.
  if (wish.params.on_busy === 'refuse') refuseHeld(dispatcher, session);
  const job = createJob(parts, wish);
  // Delivery begins while the disk is busy; nothing is typed before everything is on it.
  dispatcher.enqueue(job, glance);
  try {
    await job.kept;
  } catch (error) {
    dispatcher.removeJob(job);
    throw error;
  }
  return job;
}
