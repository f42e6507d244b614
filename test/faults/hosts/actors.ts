import { isFinal } from '../../../src/job/words.ts';
import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import { type HostsWorld, type Order, PANES } from './world.ts';

/** Short, so that limits fire during a run, in seconds. */
const TIMEOUTS = [6, 12, 30];
/** How many of the latest jobs are looked at. */
const RECENT = 8;
/** Commands that wait at a time on a host: each is a process. */
const MOST_WAITING = 4;

/** Delegates to other hosts, answers, cancels, and starts commands that wait. */
export async function supervise(world: HostsWorld, host: string, random: Random): Promise<void> {
  for (let n = 0; !world.over; n++) {
    await pause(random.whole(200, 2_000));
    if (world.over) return;
    const mine = world.orders.filter((one) => one.from === host && one.jobId !== undefined).slice(-RECENT);
    const what = random.weighted({ delegate: 5, answer: 2, cancel: 1, status: 1, screen: 1, list: 1 });
    const order = mine.length === 0 ? undefined : random.pick(mine);
    if (what === 'delegate' || order === undefined) void delegate(world, host, random, `${host}-${n}`);
    else if (what === 'answer') await answer(world, order, random);
    else if (what === 'cancel')
      await world.ask(host, 'cancel_job', { job_id: order.jobId, reason: 'no more' }, 'second');
    else if (what === 'status') await world.ask(host, 'job_status', { job_id: order.jobId }, 'second');
    else if (what === 'screen')
      await world.ask(host, 'job_logs', { job_id: order.jobId, include: ['screen'] }, 'second');
    else await world.ask(host, 'list_jobs', { limit: 100 }, 'second');
  }
}

async function answer(world: HostsWorld, { from, jobId }: Order, random: Random): Promise<void> {
  const { answer: found } = await world.ask(from, 'job_status', { job_id: jobId }, 'second');
  if (found?.reason !== 'question') return;
  await world.ask(from, 'answer_job', { job_id: jobId, text: `Take ${random.whole(1, 9)}.` }, 'second');
}

async function delegate(world: HostsWorld, from: string, random: Random, key: string): Promise<void> {
  const to = random.pick(world.net.names.filter((one) => one !== from));
  const token = world.token();
  const order: Order = { from, to, token, outcome: 'unknown' };
  world.orders.push(order);
  const args = {
    prompt: `Mend ${token}.${random.chance(0.15) ? `\n${'long '.repeat(random.whole(200, 20_000))}` : ''}`,
    agent: 'command',
    agent_session: `tmux:${random.pick(PANES)}@${to}`,
    workdir: world.lab(to).project,
    timeout_seconds: random.pick(TIMEOUTS),
    request_key: key,
  };
  for (let time = 0; time < 3; time++) {
    const { answer: taken, words } = await world.ask(from, 'delegate_job', args);
    world.note('delegate', { from, to, token, job: taken?.job_id, stage: taken?.delivery_stage, words });
    if (taken?.job_id !== undefined) {
      order.outcome = taken.delivery_stage === 'unconfirmed' ? 'unconfirmed' : 'taken';
      if (order.jobId !== undefined && order.jobId !== taken.job_id)
        world.problems.push(`doubled: ${token} is ${order.jobId} and ${taken.job_id}`);
      order.jobId = taken.job_id;
      if (random.chance(0.5)) await waitFor(world, order, random);
      if (!random.chance(0.2)) return;
    } else if (words !== undefined) {
      if (order.outcome === 'unknown' && time === 0) order.outcome = 'refused';
      order.words = words;
      return;
    } else order.outcome = 'unknown';
    if (world.over) return;
  }
}

/** Starts a command that ends with the job. */
async function waitFor(world: HostsWorld, { from, jobId = '' }: Order, random: Random): Promise<void> {
  const open = world.waiting.filter((one) => one.host === from && one.running.child.exitCode === null);
  if (open.length >= MOST_WAITING) return;
  const what = random.pick(['wait', 'logs']);
  const words = what === 'wait' ? ['wait', jobId, '--json'] : ['logs', jobId, '--follow'];
  world.waiting.push({ what, host: from, jobId, running: world.lab(from).start(words, { input: '' }) });
}

/** Waits with `wait_job` as a supervisor does, from cursor to cursor. */
export async function waits(world: HostsWorld, host: string): Promise<void> {
  const told = new Set<string>();
  world.told.set(host, told);
  for (let cursor: string | undefined; !world.over; ) {
    const args = { timeout_seconds: 10, ...(cursor !== undefined && { cursor }) };
    const { answer: got, words } = await world.ask(host, 'wait_job', args);
    if (words !== undefined && !/no (open )?job/i.test(words)) world.note('wait refused', { host, words });
    if (got === undefined) await pause(500);
    cursor = got?.cursor ?? cursor;
    for (const job of got?.jobs ?? []) {
      if (!isFinal(job.status)) continue;
      told.add(job.job_id);
    }
  }
}
