import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

const EVENTS = { progress: 20, started: 1, question: 1, completed: 1.5, error: 0.3 } as const;

/** A suffix that no job id has. */
const NOBODYS = '---';

/** Reports mostly on a new job for a person, occasionally on any job, which may have ended. */
export function nextReport(world: World, random: Random) {
  const open = world.jobs.filter(({ agent }) => agent === undefined).slice(-5);
  const known = random.pick([...open, ...(random.chance(0.1) ? world.jobs.slice(-20) : [])])?.id;
  // As from a peer that has misread its order.
  const job = known !== undefined && random.chance(0.02) ? `${known.slice(0, -3)}${NOBODYS}` : known;
  const event = random.weighted(EVENTS);
  const token = world.token();
  const detail = random.chance(0.1) ? `${token} ${'words '.repeat(random.whole(10, 300))}`.trim() : token;
  const long = event === 'completed' && random.chance(0.5);
  const result = long ? `${token} ${'x'.repeat(random.whole(1, 90_000))}` : undefined;
  return job === undefined ? undefined : { job, event, token: detail, result };
}

/** Reports all the time, as the servers of many peers do. */
export async function report(world: World, place: string, random: Random): Promise<void> {
  while (!world.over) {
    await pause(random.whole(20, 160));
    const next = nextReport(world, random);
    if (next === undefined) continue;
    const { job, event, token, result } = next;
    const args = { job_id: job, event, detail: token, ...(result !== undefined && { result }) };
    await world.ask(place, 'publish_event', args, { job, token, result });
  }
}
