// Event published → `wait_job` of another server process answered. The floor is the same path through two empty servers
// and a process that appends, flushes the disk and notifies.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabServer } from '../test/support/lab-server.ts';
import { inTurn, main, type Row, spread, timed, times, within } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { inLab } from './support/lab.ts';

const GOAL = { p50: 2.5, p99: 12 };
/** After this time a wait is certainly waiting, in ms. */
const SETTLE_MS = 15;
const WARM = 5;
/** A wait that takes longer was not notified: it found out by its last look, in ms. */
const UNTOLD_MS = 5_000;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    const peer = await lab.server();
    const supervisor = await lab.server();
    const relay = await startJournal(lab);
    const [teller, hearer] = [await lab.server(relay), await lab.server(relay)];
    let { cursor } = await supervisor.ask('wait_job', { job_id: job, timeout_seconds: 0 });

    /** From a report to the answer of a pending wait. */
    const told = async (round: number, waiting: Promise<unknown>, tell: LabServer, tool: string) => {
      await sleep(SETTLE_MS);
      const report = { job_id: job, event: 'question', detail: `Which ${round}?` };
      let published: Promise<unknown> | undefined;
      const ms = await timed(() => {
        published = tell.ask(tool, report);
        return waiting;
      });
      await published;
      return ms;
    };
    const wait = async (round: number): Promise<number> => {
      const waiting = supervisor.ask('wait_job', { job_id: job, timeout_seconds: 20, cursor });
      const ms = await told(round, waiting, peer, 'publish_event');
      const answer = await waiting;
      if (answer.outcome !== 'needs_attention') throw new Error(`wait_job: ${answer.outcome}`);
      cursor = answer.cursor;
      return ms;
    };
    const hear = (round: number): Promise<number> => told(round, hearer.ask('wait'), teller, 'publish');
    for (let round = 0; round < WARM; round++) {
      await wait(round);
      await hear(round);
    }
    const values = await inTurn(rounds(200, 30), { mam: wait, floor: hear });
    const value = spread(values.mam);
    const untold = values.mam.filter((ms) => ms > UNTOLD_MS).length;
    const goal = within(value, GOAL, untold === 0);
    const note = `${untold} of ${values.mam.length} were not notified and found out at their end`;
    return [
      { ...times('event published → wait_job elsewhere answered', value, spread(values.floor), goal), note },
    ];
  }),
);
