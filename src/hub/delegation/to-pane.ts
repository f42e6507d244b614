import type { LiveJob } from '../jobs/live-job.ts';
import { createJob, type Parts, type Wish } from './create-job.ts';
import type { Place } from './place.ts';
import { refuseHeld } from './refuse-busy.ts';

/**
 * A job for an agent that runs: its order is typed into the agent's pane.
 * @returns when it is on disk
 * @throws MamError as `createJob`, and `conflict` for a pane that another job holds, where that is to be refused
 */
export async function toPane(parts: Parts, wish: Wish, { session, glance }: Place): Promise<LiveJob> {
  const { dispatcher } = parts;
  // From here to the queue nothing waits: of two jobs for one pane, the second one sees the first.
  if (wish.params.on_busy === 'refuse') refuseHeld(dispatcher, session);
  const job = createJob(parts, wish);
  // The way into the pane begins while the disk is busy; nothing is typed before all is kept.
  dispatcher.enqueue(job, glance);
  try {
    await job.kept;
  } catch (error) {
    dispatcher.removeJob(job);
    throw error;
  }
  return job;
}
