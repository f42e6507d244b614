import { describe, expect } from 'vitest';
import { pause } from '../../../support/until.ts';
import { testOf } from '../../lab-test.ts';
import { homeOf } from '../../programs.ts';
import { BEGIN, prepared, reporterOf } from '../../waiting.ts';

describe.each([homeOf('opencode')])('$kind waits', { timeout: 150_000 }, (home) => {
  const test = testOf(home);

  test('longer than its limit, while it receives progress', async ({ lab, client }) => {
    const asked = await prepared(lab);
    await client.install({ seconds: 4, told: false });
    const reporter = await reporterOf(lab);
    const running = client.run(BEGIN);
    const { at } = await client.call('wait_job', 1);
    const [job_id = ''] = lab.jobIds();
    while (Date.now() < at + 7_000) {
      await reporter.report(job_id, 'progress', { detail: 'Another nail.' });
      await pause(500);
    }
    await reporter.report(job_id, 'completed', { detail: 'It hangs.' });
    await running;
    expect(asked.at(-1)?.results.at(-1)?.text).toMatch(/final.*It hangs\./s);
    expect(client.calls('wait_job')).toMatchObject([{ cancelled: false }]);
  });
});
