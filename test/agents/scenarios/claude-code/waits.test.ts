import { describe, expect } from 'vitest';
import { until } from '../../../support/until.ts';
import { testOf } from '../../lab-test.ts';
import { homeOf } from '../../programs.ts';
import { BEGIN, prepared, reporterOf } from '../../waiting.ts';

describe.each([homeOf('claude-code')])('$kind waits', { timeout: 150_000 }, (home) => {
  const test = testOf(home);
  /** The time after which a call goes to the background; 2 min, unless it is set. */
  const SOON = 'CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS=2000';

  test.for([
    { how: 'with a person', headless: false },
    { how: 'without a terminal', headless: true },
  ])('in the background, $how: the result wakes its model', async ({ headless }, { lab, client }) => {
    const asked = await prepared(lab);
    await client.install();
    const reporter = await reporterOf(lab);
    if (!headless) {
      await client.open(SOON);
      await lab.say(BEGIN);
    }
    const running = headless ? client.run(BEGIN, SOON, 'CLAUDE_AUTO_BACKGROUND_TASKS=1') : undefined;
    const words = () => JSON.stringify(asked.at(-1)?.body ?? '');
    await until(
      'the call is in the background',
      () => /running in the background|moved to the background/i.test(words()),
      20_000,
    );
    const told = asked.length;
    const [job_id = ''] = lab.jobIds();
    await reporter.report(job_id, 'completed', { detail: 'It hangs.' });
    await until('its model is woken', () => asked.length > told && words().includes('It hangs.'), 20_000);
    expect(words()).toContain('<task-notification>');
    expect(client.calls('wait_job')).toMatchObject([{ cancelled: false }]);
    if (running !== undefined) expect((await running).code).toBe(0);
  });
});
