import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** Waits for one job after another, each to its end, with the cursor of the previous answer. */
export async function wait(world: World, place: string, random: Random): Promise<void> {
  while (!world.over) {
    const job = world.jobs.length === 0 ? undefined : random.pick(world.jobs.slice(-8)).id;
    let cursor: string | undefined;
    for (let n = 0; job !== undefined && n < 8 && !world.over; n++) {
      const args = {
        job_id: job,
        timeout_seconds: random.whole(1, 4),
        ...(cursor !== undefined && { cursor }),
      };
      const told = await world.ask(place, 'wait_job', args, { job });
      if (told.answer === undefined || told.answer.outcome === 'final') break;
      cursor = told.answer?.cursor ?? cursor;
    }
    await pause(random.whole(50, 400));
  }
}
