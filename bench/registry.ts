// `job_status` and `list_jobs` with 100,000 jobs in the registry and with 10; the first list after the hub's start. The
// floor for a page is an empty server's answer of the same length.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { endHub } from '../test/support/lab-end.ts';
import type { LabServer } from '../test/support/lab-server.ts';
import { until } from '../test/support/until.ts';
import { makeFinishedJobs } from './support/archive.ts';
import { atMost, inTurn, main, type Row, single, spread, timed, times } from './support/bench.ts';
import { floorPath, inLab } from './support/lab.ts';
import { rss } from './support/processes.ts';

const FEW = 10;
const PAGE = 100;
const STATUS_GOAL = 1.3;
const PAGE_GOAL_MS = 1.5;

await main(({ rounds }) =>
  inLab((few) =>
    inLab(async (many): Promise<Row[]> => {
      const count = rounds(100_000, 20_000);
      const label = count.toLocaleString('en');
      const ids = makeFinishedJobs(many.registry, count);
      const fewIds = makeFinishedJobs(few.registry, FEW);
      const [server, small] = [await many.server(), await few.server()];
      const empty = await many.server([floorPath('empty-server.mjs')]);
      // The hub starts with the first call; its first list then reads every folder, because there is no index yet.
      await Promise.all([ask(server, ids[0]), ask(small, fewIds[0])]);
      const unindexed = await list(server, 1);
      const memory = rss(many.hub().pid);
      // The index is written after the answer.
      await until('the index is written', () => existsSync(join(many.registry, '.index.jsonl')));
      await server.close();
      await endHub(many);
      const again = await many.server();
      await ask(again, ids[0]);
      const indexed = await list(again, 1);

      const known = ids.filter((_, index) => index % Math.floor(count / FEW) === 0).slice(0, FEW);
      for (const id of [...known, ...known]) await ask(again, id);
      for (const id of [...fewIds, ...fewIds]) await ask(small, id);
      const turns = rounds(400, 80);
      const status = await inTurn(turns, {
        many: (round) => ask(again, known[round % FEW]),
        few: (round) => ask(small, fewIds[round % FEW]),
        fresh: (round) => ask(again, ids[(round * 7919 + 13) % count]),
      });
      await list(again, PAGE);
      const pageChars = again.lines.at(-1)?.length ?? 0;
      const pages = await inTurn(turns, {
        many: () => list(again, PAGE),
        few: () => list(small, PAGE),
        floor: () =>
          timed(() => empty.request('tools/call', { name: 'text', arguments: { chars: pageChars } })),
      });
      const [value, floor] = [spread(status.many), spread(status.few)];
      const [page, protocol] = [spread(pages.many), spread(pages.floor)];
      const over = page.p50 - protocol.p50;
      const goal = atMost(STATUS_GOAL, value, floor, `with ${FEW}`);
      return [
        times(`job_status with ${label} jobs ÷ with ${FEW}`, value, floor, goal),
        times(`job_status of a job that is only on disk, ${label} jobs`, spread(status.fresh), floor),
        {
          ...times(`list_jobs, a page of ${PAGE} out of ${label}`, page, protocol),
          goal: `≤ ${PAGE_GOAL_MS} ms + the protocol`,
          reached: over <= PAGE_GOAL_MS && page.min - protocol.min <= PAGE_GOAL_MS,
          note: `floor: an empty server's answer of ${pageChars} characters; over it ${(page.min - protocol.min).toFixed(2)} min, ${over.toFixed(2)} p50; a page of ${FEW} out of ${FEW}: p50 ${spread(pages.few).p50.toFixed(2)}`,
        },
        {
          ...times(`first list after the hub's start, ${label} jobs, no index`, single(unindexed)),
          note: `hub RSS then ${memory.toFixed(0)} MB`,
        },
        times(`first list after the hub's start, ${label} jobs, with index`, single(indexed)),
      ];
    }),
  ),
);

function ask(server: LabServer, id: string | undefined): Promise<number> {
  return timed(() => server.ask('job_status', { job_id: id }));
}

function list(server: LabServer, limit: number): Promise<number> {
  return timed(() => server.ask('list_jobs', { limit }));
}
