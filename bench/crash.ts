// The hub is killed (-9) under the load of 8 publishers: time until the next hub, started by a publisher, acknowledges
// an event that was made after the kill. Nothing may be lost or recorded twice.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../test/support/until.ts';
import { main, now, type Row, spread } from './support/bench.ts';
import { openJobs } from './support/jobs.ts';
import { inLab } from './support/lab.ts';
import { audit, Publishers } from './support/publishers.ts';

const PUBLISHERS = 8;
const WINDOW = 10;
const GOAL_MS = 1_000;
const AGAIN_MS = 20_000;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const jobs = await openJobs(lab, PUBLISHERS);
    const publishers = await Publishers.start(lab, 'link', jobs, WINDOW, lab.hub().socket);
    publishers.go();
    const gaps: number[] = [];
    for (let round = 0; round < rounds(8, 3); round++) {
      await sleep(1_500);
      const at = now();
      const { pid } = lab.hub();
      lab.killedHubs.add(pid);
      process.kill(pid, 'SIGKILL');
      publishers.mark(at);
      gaps.push((await publishers.again(at, AGAIN_MS)) - at);
    }
    await sleep(500);
    const { acked, count, kept } = await publishers.stop();
    const outbox = join(lab.home, 'outbox');
    await until('the outbox is empty', () => !existsSync(outbox) || files(outbox).length === 0, 30_000);
    // The last event from the outbox is in a journal before its file is removed.
    const { lost, twice } = audit(lab, acked);
    const value = spread(gaps);
    return [
      {
        what: 'hub killed under load → next event acknowledged',
        unit: 'ms',
        value,
        goal: `≤ ${GOAL_MS} ms, nothing lost`,
        reached: value.p99 <= GOAL_MS && lost === 0 && twice === 0,
        note: `${gaps.length} kills, ${count} events: ${lost} lost, ${twice} twice, ${kept} by the outbox`,
      },
    ];
  }),
);

function files(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
