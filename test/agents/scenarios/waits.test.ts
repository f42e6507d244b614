import { describe, expect } from 'vitest';
import { pause, until } from '../../support/until.ts';
import type { ModelRequest } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import { BEGIN, DELEGATE, prepared, reporterOf, testOf, wait } from '../waiting.ts';

describe.each(HOMES)('$kind waits', { timeout: 150_000 }, (home) => {
  const test = testOf(home);

  test('as long as it lets a call run: told of the limit the server answers before it', async ({
    lab,
    client,
  }) => {
    const asked: ModelRequest[] = [];
    await lab.prepare(async (request) => {
      asked.push(request);
      const { results } = request;
      const job_id = idIn(results[0]?.text);
      const cursor = /"cursor":\s*"([^"]+)"/.exec(results[1]?.text.replaceAll('\\"', '"') ?? '')?.[1];
      if (results.length === 0) return DELEGATE;
      if (results.length === 1) return wait(job_id);
      return results.length === 2 ? wait(job_id, cursor) : { say: 'Done.' };
    });
    await client.install({ seconds: 5 });
    const reporter = await reporterOf(lab);
    const running = client.run('go');
    const second = await client.call('wait_job', 2);
    await reporter.report(lab.jobIds()[0] ?? '', 'completed', { detail: 'It hangs.' });
    const ended = await running;
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
    const { results = [] } = asked.at(-1) ?? {};
    expect(results[1]?.text).toContain('still_running');
    expect(results[2]?.text).toMatch(/final.*It hangs\./s);
    const calls = client.calls('wait_job');
    expect(calls).toHaveLength(2);
    for (const { pid, cancelled, answered } of calls) {
      expect({ pid, cancelled, answered: answered !== undefined }).toEqual({
        pid: second.pid,
        cancelled: false,
        answered: true,
      });
    }
  });

  test('longer than it lets a call run: cut off it loses nothing, and the server lives', async ({
    lab,
    client,
  }) => {
    const asked: ModelRequest[] = [];
    const reporter = { report: async (_id: string) => {} };
    await lab.prepare(async (request) => {
      asked.push(request);
      const { results } = request;
      const job_id = idIn(results[0]?.text);
      if (results.length === 0) return DELEGATE;
      if (results.length === 1) return wait(job_id);
      // The client has given up by now: what nobody waited for is there all the same.
      if (results.length === 2) await reporter.report(job_id);
      return results.length === 2 ? wait(job_id) : { say: 'Done.' };
    });
    await client.install({ seconds: 4, told: false });
    const peer = await reporterOf(lab);
    reporter.report = (id) => peer.report(id, 'completed', { detail: 'It hangs.' });
    const ended = await client.run('go');
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
    const { results = [] } = asked.at(-1) ?? {};
    const [first, second, ...more] = client.calls('wait_job');
    expect(results[1]?.text).not.toContain('still_running');
    expect(results[2]?.text).toMatch(/final.*It hangs\./s);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ answered: undefined, cancelled: true });
    expect(second?.pid).toBe(first?.pid);
    expect((second?.answered ?? Number.NaN) - (second?.at ?? 0)).toBeLessThan(1_000);
  });
});

describe.each(HOMES.filter(({ kind }) => kind === 'opencode'))(
  '$kind waits',
  { timeout: 150_000 },
  (home) => {
    const test = testOf(home);

    test('longer than its limit, while it hears of progress', async ({ lab, client }) => {
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
  },
);

describe.each(HOMES.filter(({ kind }) => kind === 'claude-code'))(
  '$kind waits',
  { timeout: 150_000 },
  (home) => {
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
  },
);

/** The job that an answer is about. */
function idIn(text = ''): string {
  return /\bjob_id\W+([a-z0-9-]+)/.exec(text)?.[1] ?? '';
}
