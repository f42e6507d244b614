// `publish_event`, on disk and answered, one after the other. The floor is a call of an empty server that sends a line
// over a unix socket to a process that appends it, flushes the disk and answers.
import { inTurn, main, now, type Row, spread } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { inLab } from './support/lab.ts';

const GOAL = { p50: 2.5, p99: 10 };
const WARM = 20;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    const peer = await lab.server();
    const floor = await lab.server(await startJournal(lab));
    const publish = async (round: number): Promise<number> => {
      const started = now();
      const answer = await peer.ask('publish_event', {
        job_id: job,
        event: 'progress',
        detail: `step ${round}`,
      });
      if (answer.recorded !== true) throw new Error('publish_event was not recorded');
      return now() - started;
    };
    const relay = async (round: number): Promise<number> => {
      const started = now();
      await floor.ask('publish', { job_id: job, event: 'progress', detail: `step ${round}` });
      return now() - started;
    };
    for (let round = 0; round < WARM; round++) await Promise.all([publish(round), relay(round)]);
    const values = await inTurn(rounds(500, 60), { mam: publish, floor: relay });
    const value = spread(values.mam);
    return [
      {
        what: 'publish_event → answered, on disk',
        unit: 'ms',
        value,
        floor: spread(values.floor),
        goal: `p50 ≤ ${GOAL.p50}, p99 ≤ ${GOAL.p99} ms`,
        reached: value.p50 <= GOAL.p50 && value.p99 <= GOAL.p99,
      },
    ];
  }),
);
