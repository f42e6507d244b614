// Event published → `wait_job` of another server process answered. The floor is the same way through two empty
// servers and a process that appends, flushes the disk and tells.
import { setTimeout as sleep } from 'node:timers/promises';
import { inTurn, main, now, type Row, spread } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { inLab } from './support/lab.ts';

const GOAL = { p50: 2.5, p99: 12 };
/** Until a wait is surely waiting, in ms. */
const SETTLE_MS = 15;
const WARM = 5;
/** A wait that takes longer was not told: it found out by its last look, in ms. */
const UNTOLD_MS = 5_000;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    const peer = await lab.server();
    const supervisor = await lab.server();
    const relay = await startJournal(lab);
    const [teller, hearer] = [await lab.server(relay), await lab.server(relay)];
    let { cursor } = await supervisor.ask('wait_job', { job_id: job, timeout_seconds: 0 });

    const wait = async (round: number): Promise<number> => {
      const waiting = supervisor.ask('wait_job', { job_id: job, timeout_seconds: 20, cursor });
      await sleep(SETTLE_MS);
      const started = now();
      const published = peer.ask('publish_event', {
        job_id: job,
        event: 'question',
        detail: `Which ${round}?`,
      });
      const answer = await waiting;
      const ms = now() - started;
      await published;
      if (answer.outcome !== 'needs_attention') throw new Error(`wait_job: ${answer.outcome}`);
      cursor = answer.cursor;
      return ms;
    };
    const hear = async (round: number): Promise<number> => {
      const waiting = hearer.ask('wait');
      await sleep(SETTLE_MS);
      const started = now();
      const published = teller.ask('publish', { job_id: job, event: 'question', detail: `Which ${round}?` });
      await waiting;
      const ms = now() - started;
      await published;
      return ms;
    };
    for (let round = 0; round < WARM; round++) {
      await wait(round);
      await hear(round);
    }
    const values = await inTurn(rounds(200, 30), { mam: wait, floor: hear });
    const value = spread(values.mam);
    const untold = values.mam.filter((ms) => ms > UNTOLD_MS).length;
    return [
      {
        what: 'event published → wait_job elsewhere answered',
        unit: 'ms',
        value,
        floor: spread(values.floor),
        goal: `p50 ≤ ${GOAL.p50}, p99 ≤ ${GOAL.p99} ms`,
        reached: value.p50 <= GOAL.p50 && value.p99 <= GOAL.p99 && untold === 0,
        note: `${untold} of ${values.mam.length} were not told and found out at their end`,
      },
    ];
  }),
);
