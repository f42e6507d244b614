import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { pause } from '../../../support/until.ts';
import { testOf } from '../../lab-test.ts';
import type { ModelStep } from '../../model/script.ts';
import { worker } from '../../model/worker.ts';
import { homeOf } from '../../programs.ts';

/** A ready screen means the end of a turn after 10 s if the agent has hooks. */
const JUDGED_MS = 12_000;

describe.each([homeOf('claude-code')])('$kind', (home) => {
  const test = testOf(home);

  test('its turn is not over while one of its shells runs in the background', async ({ lab }) => {
    const publish = (job_id: string, event: string): ModelStep => ({
      call: 'publish_event',
      args: { job_id, event },
    });
    const args = { command: 'until [ -e go ]; do sleep 0.2; done', run_in_background: true };
    // The last step is made in the turn that starts when the shell ends.
    const { model } = worker((id) => [
      publish(id, 'started'),
      { call: 'Bash', args },
      { say: 'It runs.' },
      publish(id, 'completed'),
    ]);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const { job_id: jobId } = await lab.job(server);
    await lab.shows('1 shell');
    await lab.shows('It runs.');
    await pause(JUDGED_MS);
    expect(lab.record(jobId).status).toBe('working');
    writeFileSync(join(lab.project, 'go'), '');
    await lab.event(jobId, 'completed', 30_000);
    expect(lab.types(jobId).filter((type) => type === 'reminded' || type === 'turn_ended')).toEqual([]);
  });
});
