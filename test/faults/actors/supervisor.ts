import { pause } from '../../support/until.ts';
import { AGENTS } from '../agent.ts';
import type { Random } from '../random.ts';
import type { KnownJob, World } from '../world.ts';

/** How many of the latest jobs are looked at. */
const RECENT = 12;
/** Short, so that limits fire during the run; occasionally one that does not. */
const TIMEOUTS = [3, 5, 8];
const LONG_S = 3600;
/** How often a delegation whose answer was lost is retried with the same key. */
const TRIES = 3;

/** Delegates, looks, answers and cancels, as a supervising agent does. */
export async function supervise(world: World, place: string, random: Random): Promise<void> {
  for (let n = 0; !world.over; n++) {
    await pause(random.whole(150, 900));
    if (world.over) return;
    const job = random.pick([...world.jobs.slice(-RECENT), undefined]);
    const what = random.weighted({ delegate: 6, list: 1, status: 1, answer: 3, cancel: 1 });
    if (what === 'delegate' || job === undefined) await delegate(world, place, random, `${place}-${n}`);
    else if (what === 'list') await world.ask(place, 'list_jobs', { limit: 200 });
    else if (what === 'status') await world.ask(place, 'job_status', { job_id: job.id }, { job: job.id });
    else if (what === 'cancel')
      await world.ask(place, 'cancel_job', { job_id: job.id, reason: 'no more' }, { job: job.id });
    else await answer(world, place, job);
  }
}

async function answer(world: World, place: string, { id: job }: KnownJob): Promise<void> {
  const { answer: found } = await world.ask(place, 'job_status', { job_id: job }, { job });
  if (found?.reason !== 'question') return;
  const token = world.token();
  await world.ask(place, 'answer_job', { job_id: job, text: token }, { job, token });
}

async function delegate(world: World, place: string, random: Random, key: string): Promise<void> {
  const timeout_seconds = random.chance(0.15) ? LONG_S : random.pick(TIMEOUTS);
  const script = random.weighted({ none: 6, 'passes.sh': 2, 'fails.sh': 1 });
  const common = {
    prompt: `Mend ${key}${random.chance(0.2) ? `\n${'long '.repeat(random.whole(200, 4_000))}` : ''}`,
    ...{ timeout_seconds, idle_timeout_seconds: random.pick([2, LONG_S]), request_key: key },
    ...(script !== 'none' && { validate: script }),
  };
  const name = random.chance(0.55) ? undefined : random.pick(Object.keys(AGENTS));
  const agent = name === undefined ? undefined : await world.agent(name).catch(() => undefined);
  const where =
    agent === undefined ? { agent: 'human' } : { agent: agent.kind, agent_session: `tmux:${agent.session}` };
  for (let n = 0; n < TRIES && !world.over; n++) {
    const told = await world.ask(place, 'delegate_job', { ...common, ...where });
    if (told.job !== undefined && told.outcome === 'answer')
      world.jobs.push({ id: told.job, agent: agent?.session });
    if (told.outcome === 'answer' || random.chance(0.3)) return;
    await pause(random.whole(100, 1_000));
  }
}
