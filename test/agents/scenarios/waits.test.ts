import { test as base, describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { isRunning } from '../../support/processes.ts';
import { pause, until } from '../../support/until.ts';
import type { AgentHome } from '../homes/home.ts';
import { AgentLab } from '../lab.ts';
import type { ModelRequest, ModelStep } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import { Supervisor } from '../supervisor.ts';

/** Longer than any limit here, in seconds. */
const LONG = 600;
/** The work that is delegated is nobody's pane: the test itself reports on it. */
const DELEGATE: ModelStep = { call: 'delegate_job', args: { prompt: 'Hang up the key', agent: 'human' } };

/** What each client shows when its turn was interrupted. */
const INTERRUPTED: Readonly<Record<string, RegExp>> = {
  'claude-code': /Interrupted/,
  codex: /Conversation interrupted/,
  gemini: /Request cancelled/,
  opencode: /interrupted/,
};
/** Gemini CLI 0.61.0 tells the server nothing of it. */
const SILENT = 'gemini';
/** A person presses no key before the dialog has been seen, and OpenCode takes two at once for one; in ms. */
const HUMAN_MS = 400;
const BEGIN = 'begin the work';
const AGAIN = 'look again';

/** A test with a lab of this client's own. */
function testOf(home: AgentHome) {
  return base.extend<{ lab: AgentLab; client: Supervisor }>({
    lab: async ({ task }, use) => {
      const lab = new AgentLab(home);
      await use(lab);
      await lab.end(task.result?.state === 'fail');
    },
    client: async ({ lab }, use) => use(new Supervisor(lab)),
  });
}

describe.each(HOMES)('$kind waits', (home) => {
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
    const reporter = await lab.startPeerServer();
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
    await client.install({ seconds: 3, told: false });
    const peer = await lab.startPeerServer();
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

  test('until a person interrupts: the job goes on, and the next wait has its result', async ({
    lab,
    client,
  }) => {
    const asked = await prepared(lab);
    await client.install();
    const reporter = await lab.startPeerServer();
    await client.open();
    await client.say(BEGIN);
    const { pid } = await client.call('wait_job', 1);
    const [job_id = ''] = lab.jobIds();
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
    await client.say(AGAIN);
    await until(
      'its model has the result',
      () => asked.at(-1)?.results.at(-1)?.text.includes('It hangs.'),
      20_000,
    );
    const [first, second] = client.calls('wait_job');
    // An answer that nobody waits for does no harm.
    expect(first?.answered === undefined).toBe(home.kind !== SILENT);
    expect(second?.pid).toBe(pid);
  });

  test('and is killed: its server ends by itself, the job goes on, the next client has the result', async ({
    lab,
    client,
  }) => {
    const asked = await prepared(lab);
    await client.install();
    const reporter = await lab.startPeerServer();
    await client.open();
    await client.say(BEGIN);
    const { pid, ppid } = await client.call('wait_job', 1);
    const [job_id = ''] = lab.jobIds();
    process.kill(ppid, 'SIGKILL');
    await until('its server ends', () => !isRunning(pid), 2_000);
    await reporter.report(job_id, 'completed', { detail: 'It hangs.' });
    const ended = await client.run(AGAIN);
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
    expect(asked.at(-1)?.results.at(-1)?.text).toMatch(/final.*It hangs\./s);
    expect((await client.call('wait_job', 2)).pid).not.toBe(pid);
  });
});

describe.each(HOMES.filter(({ kind }) => kind === 'opencode'))('$kind waits', (home) => {
  const test = testOf(home);

  test('longer than its limit, while it hears of progress', async ({ lab, client }) => {
    const asked = await prepared(lab);
    await client.install({ seconds: 4, told: false });
    const reporter = await lab.startPeerServer();
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

describe.each(HOMES.filter(({ kind }) => kind === 'claude-code'))('$kind waits', (home) => {
  const test = testOf(home);
  /** The time after which a call goes to the background; 2 min, unless it is set. */
  const SOON = 'CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS=2000';

  test.for([
    { how: 'with a person', headless: false },
    { how: 'without a terminal', headless: true },
  ])('in the background, $how: the result wakes its model', async ({ headless }, { lab, client }) => {
    const asked = await prepared(lab);
    await client.install();
    const reporter = await lab.startPeerServer();
    if (!headless) {
      await client.open(SOON);
      await client.say(BEGIN);
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

/** A model that delegates and waits when it is told to begin, and only waits when it is told to look again. */
async function prepared(lab: AgentLab): Promise<ModelRequest[]> {
  const asked: ModelRequest[] = [];
  await lab.prepare((request) => {
    asked.push(request);
    const newest = request.prompts.at(-1) ?? '';
    const [job_id] = lab.jobIds();
    if (job_id === undefined) return DELEGATE;
    const waited = request.results.some(({ tool }) => tool.endsWith('wait_job'));
    if (newest.includes(BEGIN)) return waited ? { say: 'Something else, then.' } : wait(job_id);
    const before = asked.filter(({ prompts }) => prompts.at(-1)?.includes(AGAIN)).length;
    return newest.includes(AGAIN) && before === 1 ? wait(job_id) : { say: 'Done.' };
  });
  return asked;
}

function wait(job_id: string, cursor?: string): ModelStep {
  return {
    call: 'wait_job',
    args: { job_id, timeout_seconds: LONG, ...(cursor !== undefined && { cursor }) },
  };
}

/** The job that an answer is about. */
function idIn(text = ''): string {
  return /\bjob_id\W+([a-z0-9-]+)/.exec(text)?.[1] ?? '';
}
