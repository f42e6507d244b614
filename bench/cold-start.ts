// Cold start of the server: spawn → `initialize` answered, and memory at rest, against an empty Node server.
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, inTurn, main, now, type Row, spread, times } from './support/bench.ts';
import { type BenchLab, floorPath, inLab, MAM } from './support/lab.ts';
import { rss } from './support/processes.ts';

const REST_MS = 300;
const START_GOAL = 1.6;
const REST_GOAL_MB = 56;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const listed = { mam: [] as number[], floor: [] as number[] };
    const rest = { mam: [] as number[], floor: [] as number[] };
    const init = await inTurn(rounds(25, 7), {
      mam: () => start(lab, MAM, listed.mam, rest.mam),
      floor: () => start(lab, floorPath('empty-server.mjs'), listed.floor, rest.floor),
    });
    const value = spread(init.mam);
    const floor = spread(init.floor);
    const memory = spread(rest.mam);
    return [
      times('spawn → initialize answered', value, floor, atMost(START_GOAL, value, floor, 'floor')),
      times('spawn → tools/list answered', spread(listed.mam), spread(listed.floor)),
      {
        what: 'RSS at rest',
        unit: 'MB',
        value: memory,
        floor: spread(rest.floor),
        goal: `≤ ${REST_GOAL_MB} MB`,
        reached: memory.p50 <= REST_GOAL_MB,
      },
    ];
  }),
);

/** One start. @returns ms until `initialize` was answered */
async function start(lab: BenchLab, program: string, listed: number[], rest: number[]): Promise<number> {
  const started = now();
  const server = await lab.server([program]);
  const ms = now() - started;
  await server.request('tools/list');
  listed.push(now() - started);
  await sleep(REST_MS);
  rest.push(rss(server.pid));
  await server.close();
  return ms;
}
