// `publish_event`, on disk and answered, one after another. The floor is a call of an empty server that sends a line
// over a unix socket to a process that appends it, flushes the disk and answers.
import { inTurn, main, type Row, spread, timed, times, within } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { inLab } from './support/lab.ts';

const GOAL = { p50: 2.5, p99: 10 };
const WARM = 20;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    const peer = await lab.server();
    const floor = await lab.server(await startJournal(lab));
    const report = (round: number) => ({ job_id: job, event: 'progress', detail: `step ${round}` });
    const publish = (round: number): Promise<number> =>
      timed(async () => {
        const answer = await peer.ask('publish_event', report(round));
        if (answer.recorded !== true) throw new Error('publish_event was not recorded');
      });
    const relay = (round: number): Promise<number> => timed(() => floor.ask('publish', report(round)));
    for (let round = 0; round < WARM; round++) await Promise.all([publish(round), relay(round)]);
    const values = await inTurn(rounds(500, 60), { mam: publish, floor: relay });
    const value = spread(values.mam);
    return [times('publish_event → answered, on disk', value, spread(values.floor), within(value, GOAL))];
  }),
);
