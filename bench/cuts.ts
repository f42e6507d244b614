// Links that are cut for different times, in the middle of a job on the other host: time from the return of the link until
// the copy has all that happened meanwhile. A cut that is noticed late, or a connection that waits for the kernel's next
// attempt, shows as a length that takes longer than the others.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../test/support/until.ts';
import { main, now, type Row, spread } from './support/bench.ts';
import { events, inHosts, Pair, type Way } from './support/pair.ts';

/** How long the link is cut, in s: around the kernel's repetitions after 1, 3, 6, 12 and 25 s, and the usual ones. */
const LENGTHS = [1, 2, 3.2, 4, 5, 6.5, 8, 10, 13, 17, 26, 30];
const QUICK = [3.2, 6.5, 13];
/** How many events happen meanwhile. */
const MEANWHILE = 10;
const GOAL_MS = 2_000;
/** Longer would be another defect, in ms. */
const STUCK_MS = 120_000;
/** The time between two cuts (ms), in which the connection calms down. */
const CALM_MS = 4_000;
/** How often the copy is looked at, in ms. */
const LOOK_MS = 5;
const WAYS: readonly Way[] = ['mosquitto', 'ssh'];

await main(async ({ quick }): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const way of WAYS) rows.push(await inHosts(['hosta', 'hostb'], (world) => cuts(way, quick, world)));
  return rows;
});

async function cuts(way: Way, quick: boolean, world: Parameters<typeof Pair.make>[0]): Promise<Row> {
  const pair = await Pair.make(world, way);
  const { a, b } = pair;
  const [far, peer] = [await pair.server(a), await pair.server(b)];
  await b.startSession('job', 'exec cat');
  const { job_id: id } = await far.ask('delegate_job', {
    ...{ prompt: 'Bench', agent: 'command', agent_session: 'tmux:job@hostb' },
    ...{ timeout_seconds: 36_000, idle_timeout_seconds: 36_000 },
  });
  await peer.ask('publish_event', { job_id: id, event: 'started' });
  const isSame = () => events(a, id) === events(b, id);
  await until('the copy is complete', isSame);
  const took: { host: string; seconds: number; ms: number }[] = [];
  for (const seconds of quick ? QUICK : LENGTHS)
    for (const host of ['hosta', 'hostb']) {
      await sleep(CALM_MS);
      await world.cut(host);
      const end = now() + seconds * 1000;
      for (let event = 0; event < MEANWHILE; event++)
        await peer.ask('publish_event', { job_id: id, event: 'progress', detail: `step ${event}` });
      await sleep(Math.max(0, end - now()));
      const mended = now();
      await world.mend(host);
      while (!isSame() && now() - mended < STUCK_MS) await sleep(LOOK_MS);
      const ms = now() - mended;
      took.push({ host, seconds, ms });
      process.stderr.write(`${way}: ${host} cut for ${seconds} s: complete after ${Math.round(ms)} ms\n`);
    }
  const value = spread(took.map(({ ms }) => ms));
  const worst = took.reduce((one, other) => (other.ms > one.ms ? other : one));
  return {
    what: `link back → the copy is complete, ${way}`,
    unit: 'ms',
    value,
    goal: `≤ ${GOAL_MS} ms, whatever its length`,
    reached: worst.ms <= GOAL_MS,
    note: `${took.length} cuts of 1 to 30 s; the slowest: ${worst.host} for ${worst.seconds} s, ${world.net.kind}`,
  };
}
