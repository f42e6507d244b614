import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { isRunning } from '../../support/processes.ts';
import { pause, until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { testOf } from '../lab-test.ts';
import type { ModelRequest } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import type { Supervisor } from '../supervisor.ts';
import { AGAIN, BEGIN, DELEGATE, prepared, reporterOf, wait } from '../waiting.ts';

/** What each client shows after its turn was interrupted. */
const INTERRUPTED: Readonly<Record<string, RegExp>> = {
  'claude-code': /Interrupted/,
  codex: /Conversation interrupted/,
  gemini: /Request cancelled/,
  opencode: /interrupted/,
};
/** Gemini CLI 0.61.0 tells the server nothing about it. */
const SILENT = 'gemini';
/** A person presses no key before seeing the dialog, and OpenCode treats two simultaneous keys as one; in ms. */
const HUMAN_MS = 400;
/** With these the next call starts the server again; with the others it is gone until the session ends. */
const RESTARTS = ['claude-code'];

/** A client in a wait that its model has been told to begin. */
async function waiting(lab: AgentLab, client: Supervisor) {
  const asked = await prepared(lab);
  await client.install();
  const reporter = await reporterOf(lab);
  await client.open();
  await lab.say(BEGIN);
  const { pid, ppid } = await client.call('wait_job', 1);
  const [job_id = ''] = lab.jobIds();
  return { asked, reporter, job_id, pid, ppid };
}

describe.each(HOMES)('$kind waits', { timeout: 150_000 }, (home) => {
  const test = testOf(home);

  test('until interrupted: the job continues, and the next wait has its result', async ({ lab, client }) => {
    const { asked, reporter, job_id, pid } = await waiting(lab, client);
    for (const key of builtIn(home.kind)?.interruptKeys ?? []) {
      await pause(HUMAN_MS);
      await lab.type(key);
    }
    await lab.shows(INTERRUPTED[home.kind] as RegExp);
    if (home.kind !== SILENT) {
      await until('the wait is given up', () => client.calls('wait_job')[0]?.cancelled === true);
    }
    await reporter.report(job_id, 'progress', { detail: 'It is on its nail.' });
    expect(lab.record(job_id).status).toBe('working');
    expect(lab.types(job_id)).not.toContain('cancelled');
    await reporter.report(job_id, 'completed', { detail: 'It hangs.' });
    await lab.say(AGAIN);
    await until(
      'its model has the result',
      () => asked.at(-1)?.results.at(-1)?.text.includes('It hangs.'),
      20_000,
    );
    const [first, second] = client.calls('wait_job');
    // An answer that nobody waits for is harmless.
    expect(first?.answered === undefined).toBe(home.kind !== SILENT);
    expect(second?.pid).toBe(pid);
  });

  test('and is killed: its server exits, the job continues for the next client', async ({ lab, client }) => {
    const { asked, reporter, job_id, pid, ppid } = await waiting(lab, client);
    process.kill(ppid, 'SIGKILL');
    await until('its server ends', () => !isRunning(pid), 2_000);
    await reporter.report(job_id, 'completed', { detail: 'It hangs.' });
    const ended = await client.run(AGAIN);
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
    expect(asked.at(-1)?.results.at(-1)?.text).toMatch(/final.*It hangs\./s);
    expect((await client.call('wait_job', 2)).pid).not.toBe(pid);
  });

  test('and its server dies: the job continues, the next one has its result', async ({ lab, client }) => {
    const asked: ModelRequest[] = [];
    await lab.prepare((request) => {
      asked.push(request);
      const [job_id] = lab.jobIds();
      if (job_id === undefined) return DELEGATE;
      return request.results.length < 3 ? wait(job_id) : { say: 'Done.' };
    });
    await client.install();
    const reporter = await reporterOf(lab);
    const running = client.run(BEGIN);
    const { pid } = await client.call('wait_job', 1);
    process.kill(pid, 'SIGKILL');
    await reporter.report(lab.jobIds()[0] ?? '', 'completed', { detail: 'It hangs.' });
    await running;
    const [, cutOff, next] = asked.at(-1)?.results ?? [];
    expect(cutOff?.text).not.toContain('It hangs.');
    expect(next?.text.includes('It hangs.')).toBe(RESTARTS.includes(home.kind));
    await client.run(AGAIN);
    expect(asked.at(-1)?.results.at(-1)?.text).toMatch(/final.*It hangs\./s);
  });
});
