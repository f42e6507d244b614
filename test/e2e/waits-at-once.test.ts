import { describe, expect } from 'vitest';
import type { Wait } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

const WAITS = 50;

/** What a wait waits for, by the positions of its jobs, and the job whose end answers it. */
const KINDS = [
  { jobs: [0], until: 'any', answeredBy: 0 },
  { jobs: [1], until: 'any', answeredBy: 1 },
  { jobs: [0, 1], until: 'any', answeredBy: 0 },
  { jobs: [0, 1], until: 'all', answeredBy: 1 },
  { jobs: [0, 1, 2], until: 'all', answeredBy: 2 },
] as const;

describe.concurrent('fifty waits at once in one server', () => {
  test('the hub is killed, half of them are abandoned: the rest get their answers once', async ({ lab }) => {
    const [server, reporter] = [await lab.startServer(), await lab.startPeerServer()];
    const ids: string[] = [];
    for (const session of ['a', 'b', 'c']) {
      const peer = await lab.startPeer('mute', { session });
      ids.push((await server.delegate(peer)).job_id);
    }
    const waits = Array.from({ length: WAITS }, (_, i) => {
      const kind = KINDS[i % KINDS.length] as (typeof KINDS)[number];
      const job_ids = kind.jobs.map((place) => ids[place]);
      return {
        ...kind,
        given: Math.floor(i / KINDS.length) % 2 === 1,
        job_ids,
        wait: server.wait({ job_ids, until: kind.until }),
      };
    });
    await server.ask('job_status', { job_id: ids[0] });
    await lab.killHub();
    for (const { given, wait } of waits) if (given) wait.cancel();
    await until('another hub runs', async () => !lab.killedHubs.has(await lab.hubPid()));

    const answered = () => waits.filter(({ wait }) => wait.at !== undefined);
    for (const [place, job_id] of ids.entries()) {
      await reporter.report(job_id, 'progress', { detail: 'at it' });
      await reporter.report(job_id, 'completed', { detail: `job ${place}` });
      const due = waits.filter(({ given, answeredBy }) => !given && answeredBy <= place);
      for (const { wait, job_ids } of due) {
        const { outcome, jobs } = await (wait as Wait).answer;
        expect(outcome).toBe('final');
        expect(jobs.map((job: { job_id: string }) => job.job_id).sort()).toEqual([...job_ids].sort());
      }
      // And nobody else's: anything sent with them has arrived before the next answer.
      await server.ask('job_status', { job_id });
      expect(answered()).toEqual(due);
    }
    expect(answered()).toHaveLength(WAITS / 2);
    expect((await server.ask('list_jobs')).jobs).toHaveLength(ids.length);
    const answers = server.messages.filter(
      ({ id, method }) => method === undefined && `${id}`.startsWith('wait-'),
    );
    expect(answers).toHaveLength(WAITS / 2);
  });
});
