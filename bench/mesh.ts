// Two hosts on a broker, each in a network of its own if this machine permits that. An event of a job on the other host:
// time until its copy has it. A link that is down: time from its return until the copy has all that happened meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { TwoHosts } from '../test/support/hosts/two-hosts.ts';
import { until } from '../test/support/until.ts';
import { main, now, type Row, spread } from './support/bench.ts';

/** How long the link is down, in ms: longer than a connection is believed to live without a sign of life. */
const DOWN_MS = 30_000;
/** How many events happen meanwhile. */
const MEANWHILE = 20;
const GOAL_MS = 2_000;
/** How often the copy is looked at, in ms. */
const LOOK_MS = 2;

await main(async ({ rounds }): Promise<Row[]> => {
  const two = await TwoHosts.make();
  try {
    await two.meet();
    await two.b.startSession('mute', 'exec cat');
    const server = await two.a.startServer();
    const { job_id: id } = await server.ask('delegate_job', {
      ...{ prompt: 'Bench', agent: 'command', agent_session: 'tmux:mute@hostb' },
      ...{ timeout_seconds: 36_000, idle_timeout_seconds: 36_000 },
    });
    const reporter = await two.b.reporter;
    await two.b.begin(reporter, id);
    const report = () => reporter.report(id, 'progress', { detail: 'One more row.' });
    const isSame = () => two.lines(two.a, id).length === two.lines(two.b, id).length;
    await until('the copy is complete', isSame);

    const single: number[] = [];
    for (let round = 0; round < rounds(200, 30); round++) {
      const began = now();
      await report();
      while (!isSame()) await sleep(LOOK_MS);
      single.push(now() - began);
    }
    const back: number[] = [];
    for (let round = 0; round < rounds(6, 2); round++) {
      const host = round % 2 === 0 ? 'hostb' : 'hosta';
      await two.world.cut(host);
      const began = now();
      for (let event = 0; event < MEANWHILE; event++) await report();
      await sleep(DOWN_MS - (now() - began));
      const mended = now();
      await two.world.mend(host);
      while (!isSame()) await sleep(LOOK_MS);
      back.push(now() - mended);
    }
    await two.agree(id, 'progress');
    const value = spread(back);
    return [
      { what: 'event reported on the other host → in the copy', unit: 'ms', value: spread(single) },
      {
        what: `link back after ${DOWN_MS / 1000} s → the copy is complete`,
        unit: 'ms',
        value,
        goal: `≤ ${GOAL_MS} ms, nothing lost`,
        reached: value.p99 <= GOAL_MS,
        note: `${back.length} cuts, ${two.world.net.kind}`,
      },
    ];
  } finally {
    await two.world.end();
  }
});
