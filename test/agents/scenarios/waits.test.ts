import { describe, expect } from 'vitest';
import { testOf } from '../lab-test.ts';
import type { ModelRequest } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import { DELEGATE, reporterOf, wait } from '../waiting.ts';

describe.each(HOMES)('$kind waits', { timeout: 150_000 }, (home) => {
  const test = testOf(home);

  test('as long as calls may run: a server that knows the limit answers earlier', async ({ lab, client }) => {
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

  test('longer than calls may run: cut off, without loss; the server survives', async ({ lab, client }) => {
    const asked: ModelRequest[] = [];
    const reporter = { report: async (_id: string) => {} };
    await lab.prepare(async (request) => {
      asked.push(request);
      const { results } = request;
      const job_id = idIn(results[0]?.text);
      if (results.length === 0) return DELEGATE;
      if (results.length === 1) return wait(job_id);
      // The client has given up by now: the result that nobody waited for is still there.
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

/** The job that an answer is about. */
function idIn(text = ''): string {
  return /\bjob_id\W+([a-z0-9-]+)/.exec(text)?.[1] ?? '';
}
