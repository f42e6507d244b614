import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import type { LabServer } from '../../support/lab-server.ts';
import { pause, until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { sharedTestOf, testOf } from '../lab-test.ts';
import type { ModelStep } from '../model/script.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** A call of publish_event for a job. */
const report = (job_id: string, event: string, more: object = {}): ModelStep => ({
  call: 'publish_event',
  args: { job_id, event, ...more },
});
/** Nobody answers a dialog sooner, and Claude Code ignores keys in its first 150 ms. */
const HUMAN_MS = 400;
/** How long a job may take on a busy machine; less than the limit of a test. */
const FINAL_MS = 120_000;
const SHELL = 'touch made-by-agent';
/** A job that needs the shell. */
const making = (jobId: string): ModelStep[] => [
  report(jobId, 'started'),
  { shell: SHELL },
  report(jobId, 'completed', { detail: 'Made it.' }),
];

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);
  const takesPrompt = builtIn(home.kind)?.start?.takesPrompt === true;
  const made = (lab: AgentLab) => existsSync(join(lab.project, 'made-by-agent'));
  /** Waits for the end; ignores needs for attention on the way, which a person handles in the pane. */
  const final = async (server: LabServer, jobId: string) => {
    let cursor: string | undefined;
    for (const end = Date.now() + FINAL_MS; ; ) {
      const timeout_seconds = Math.max(1, Math.ceil((end - Date.now()) / 1_000));
      const answer = await server.ask('wait_job', { job_id: jobId, timeout_seconds, cursor });
      if (answer.outcome === 'final') return answer.jobs[0];
      if (Date.now() > end) throw new Error(`no end within ${FINAL_MS} ms: ${JSON.stringify(answer)}`);
      cursor = answer.cursor;
    }
  };
  const attention = async (server: LabServer, jobId: string) => {
    const answer = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 60 });
    expect(answer.outcome, JSON.stringify(answer)).toBe('needs_attention');
    return answer.jobs[0];
  };

  test('a job is done, and every stage of its receipt has evidence', async ({ lab }) => {
    const { model, asked } = worker(making);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const began = Date.now();
    const { job_id: jobId, peer_server } = await lab.job(server);
    expect(peer_server).toBe('connected');
    const { recorded_at } = await lab.event(jobId, 'started', 30_000);
    process.stdout.write(`${home.kind}: delegate_job to started ${Date.parse(recorded_at) - began} ms\n`);
    expect(await final(server, jobId)).toMatchObject({ status: 'completed', detail: 'Made it.' });
    expect(made(lab)).toBe(true);
    const stages = lab.record(jobId).delivery.map(({ stage }) => stage);
    expect(stages).toEqual(expect.arrayContaining(['queued', 'pasting', 'visible', 'submitted', 'started']));
    expect(stages).toContain('acknowledged');
    expect(
      asked
        .filter((one) => one.jobId === jobId)
        .at(0)
        ?.prompts.at(-1),
    ).toContain(lab.orderOf(jobId));
    await server.ask('stop_agent', { name: lab.session });
  });

  // OpenCode has none, and neither does Codex if the configuration says what it may do.
  test.skipIf(['opencode', 'codex'].includes(home.kind))(
    'a trust dialog is reported, not answered',
    async ({ lab }) => {
      const { model, asked } = worker(making);
      await lab.prepare(model, { untrusted: true });
      const server = await lab.startServer();
      const started = await server.ask('start_agent', { agent: home.kind });
      expect(started).toMatchObject({ ready: false, waits_for: expect.stringMatching(/dialog \(trust: /) });
      const { agents } = await server.ask('list_agents');
      expect(agents[0]).toMatchObject({ agent: home.kind, state: 'dialog' });
      const { job_id: jobId } = await lab.job(server);
      expect(lab.record(jobId)).toMatchObject({ status: 'queued', blocked_by: 'dialog' });
      await server.ask('cancel_job', { job_id: jobId });
      await server.ask('stop_agent', { name: lab.session });
      // The same, but started for the job: its order waits behind the dialog.
      const second = await lab.job(server, { start: true });
      if (takesPrompt) {
        const { reason, detail } = await attention(server, second.job_id);
        expect(reason).toBe('delivery_unverified');
        expect(detail).toContain('A dialog blocks the agent');
      } else expect(second.status).toBe('queued');
      await server.ask('cancel_job', { job_id: second.job_id });
      expect(asked).toHaveLength(0);
      expect(made(lab)).toBe(false);
      await server.ask('stop_agent', { name: lab.session });
    },
  );

  test('started for the job, when it is missing', async ({ lab }) => {
    const { model, asked } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer();
    const text = await server.refusal('delegate_job', { prompt: 'x', agent: home.kind });
    expect(text).toContain(`There is no tmux session or pane tmux:${lab.session}`);
    expect(text).toContain('with `start` true');
    const { job_id: jobId } = await lab.job(server, { start: true });
    expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
    // If the agent accepts one, the order was an argument and arrived whole: it only says where the task is.
    const { evidence } = lab.record(jobId).delivery.find(({ stage }) => stage === 'pasting') ?? {};
    expect(evidence?.includes('command line') ?? false).toBe(takesPrompt);
    expect(
      asked
        .find((one) => one.jobId === jobId)
        ?.prompts.at(-1)
        ?.trim(),
    ).toBe(lab.orderOf(jobId));
    await server.ask('stop_agent', { name: lab.session });
  });

  test('a pane that is killed in the middle of a job fails it immediately', async ({ lab }) => {
    let go: (step: ModelStep) => void = () => {};
    const held = new Promise<ModelStep>((resolve) => {
      go = resolve;
    });
    const plain = worker((jobId) => [report(jobId, 'started')]);
    await lab.prepare(async (request) => {
      const step = await plain.model(request);
      return 'say' in step && plain.asked.at(-1)?.jobId !== undefined ? held : step;
    });
    const server = await lab.startServer();
    await lab.startAgent(server);
    const { job_id: jobId } = await lab.job(server);
    await lab.event(jobId, 'started', 30_000);
    const killed = Date.now();
    await lab.tmux('kill-session', '-t', `=${lab.session}`);
    const { recorded_at } = await lab.event(jobId, 'session_lost');
    go({ say: 'too late' });
    expect(Date.parse(recorded_at) - killed).toBeLessThan(2_000);
    expect(lab.record(jobId)).toMatchObject({ status: 'failed', reason: 'session_lost' });
  });

  describe('a draft of a person', () => {
    const test = sharedTestOf(home);

    test.for([
      { where: 'in the first row', before: [] },
      { where: 'behind blanks', before: ['Space', 'Space'] },
      { where: 'below an empty row', before: ['C-j'] },
    ])('a draft $where of the input box is neither sent nor lost', async ({ before }, { lab, server }) => {
      const { model, asked } = worker(done);
      lab.serve(model);
      if (before.length > 0) await lab.type(...before);
      await lab.type('-l', 'half a sentence');
      await lab.shows(/half a sentence/);
      const { job_id: jobId } = await lab.job(server);
      expect(lab.record(jobId)).toMatchObject({ status: 'queued', blocked_by: 'draft' });
      expect(asked).toHaveLength(0);
      await lab.shows(/half a sentence/);
      const count = before.length + 'half a sentence'.length;
      await lab.type(...Array.from({ length: count }, () => 'BSpace'));
      expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
      expect(asked[0]?.prompts.at(-1)).not.toContain('half a sentence');
    });
  });

  describe('one job after the other', () => {
    const test = sharedTestOf(home);

    test('copy mode: the job waits until a person has left it', async ({ lab, server }) => {
      const { model, asked } = worker(done);
      lab.serve(model);
      await lab.tmux('copy-mode', '-t', `=${lab.session}:`);
      const { job_id: jobId } = await lab.job(server);
      expect(lab.record(jobId)).toMatchObject({ status: 'queued', blocked_by: 'copy_mode' });
      expect(asked).toHaveLength(0);
      await lab.tmux('send-keys', '-X', '-t', `=${lab.session}:`, 'cancel');
      expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
      expect(asked.filter((one) => one.jobId === jobId && one.results.length === 0)).toHaveLength(1);
    });

    test("a job that arrives in the user's own turn waits for its end", async ({ lab, server }) => {
      let go: (step: ModelStep) => void = () => {};
      const held = new Promise<ModelStep>((resolve) => {
        go = resolve;
      });
      const { model, asked } = worker(done, () => held);
      lab.serve(model);
      await lab.say('my own words');
      await until("the user's turn runs", () => asked.length > 0, 20_000);
      await lab.showsWork();
      const job = await lab.job(server);
      expect(job).toMatchObject({ status: 'queued' });
      await lab.event(job.job_id, 'blocked');
      expect(lab.record(job.job_id).blocked_by).toBe('busy');
      expect(asked).toHaveLength(1);
      go({ say: 'That was yours.' });
      expect(await final(server, job.job_id)).toMatchObject({ status: 'completed' });
      expect(asked.at(1)?.prompts.some((text) => text.includes('my own words'))).toBe(true);
    });

    test('a silent agent is reminded once, then its supervisor is notified', async ({ lab, server }) => {
      const { model, asked } = worker(() => [{ say: 'The roof looks fine to me.' }, { say: 'Really fine.' }]);
      lab.serve(model);
      const { job_id: jobId } = await lab.job(server);
      expect(await attention(server, jobId)).toMatchObject({ reason: 'turn_ended' });
      expect(lab.types(jobId).filter((type) => type === 'reminded')).toHaveLength(1);
      expect(asked.filter((one) => one.jobId === jobId)).toHaveLength(2);
      expect(lab.record(jobId).last_words).toContain('Really fine.');
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('a question is answered', async ({ lab, server }) => {
      const { model, asked } = worker((jobId) => [
        report(jobId, 'started'),
        report(jobId, 'question', { detail: 'Slate or tin?' }),
        { say: 'I wait for the answer.' },
        report(jobId, 'completed', { detail: 'Tin it is.' }),
      ]);
      lab.serve(model);
      const { job_id: jobId } = await lab.job(server);
      expect(await attention(server, jobId)).toMatchObject({
        reason: 'question',
        open_request: 'Slate or tin?',
      });
      await server.ask('answer_job', { job_id: jobId, text: 'Tin.' });
      expect(await final(server, jobId)).toMatchObject({ status: 'completed', detail: 'Tin it is.' });
      const words = JSON.stringify(asked.map(({ prompts, results }) => [prompts, results]));
      expect(words).toContain('Tin.');
      expect(lab.types(jobId)).not.toContain('reminded');
    });

    test('two jobs: the second waits until the first is done and the agent idle', async ({ lab, server }) => {
      const { model, asked } = worker((jobId) => [...making(jobId), { say: 'That was it.' }]);
      lab.serve(model);
      const first = await lab.job(server);
      const second = await lab.job(server, { prompt: 'Paint the door' });
      expect(second).toMatchObject({ position: 1, behind: [first.job_id] });
      expect(await final(server, first.job_id)).toMatchObject({ status: 'completed' });
      expect(await final(server, second.job_id)).toMatchObject({ status: 'completed' });
      const order = asked.map((one) => one.jobId).filter((id, n, all) => id !== all[n - 1]);
      expect(order.filter(Boolean)).toEqual([first.job_id, second.job_id]);
    });

    test('prompts that start with a command sign are words, not commands', async ({ lab, server }) => {
      const { model } = worker(done);
      lab.serve(model);
      for (const prompt of [`!${SHELL}`, `/${SHELL}`, `# ${SHELL}`, `@${SHELL}`]) {
        const { job_id: jobId } = await lab.job(server, { prompt });
        expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
        expect(readFileSync(lab.paths(jobId).prompt, 'utf8')).toBe(prompt);
      }
      expect(made(lab)).toBe(false);
    });

    test('a task of 100 KB arrives byte for byte', async ({ lab, server }) => {
      const prompt = Array.from(
        { length: 1_500 },
        (_, n) => `${n}\t"quoted" \`tick\` $(no) ${'é한국🙂'.repeat(3)} line\n`,
      ).join('');
      const pages: string[] = [];
      const { model } = worker((jobId, { results }) => {
        const steps: ModelStep[] = [report(jobId, 'started')];
        const answers = results.filter(({ text }) => text.includes(jobId)).map(({ text }) => parse(text));
        for (const answer of answers) {
          const next = answer?.task_next_offset;
          if (typeof next === 'number')
            steps.push({ call: 'job_status', args: { job_id: jobId, task_offset: next } });
        }
        if (
          answers.length > 0 &&
          typeof answers.at(-1)?.task === 'string' &&
          answers.at(-1)?.task_next_offset === undefined
        ) {
          pages.push(...answers.map((answer) => String(answer?.task ?? '')));
          steps.push(report(jobId, 'completed'));
        }
        return steps;
      });
      lab.serve(model);
      const { job_id: jobId } = await lab.job(server, { prompt });
      expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
      expect(pages.map((page) => page.length)).toHaveLength(Math.ceil(prompt.length / 16_000));
      expect(pages.join('') === prompt).toBe(true);
      expect(readFileSync(lab.paths(jobId).prompt, 'utf8') === prompt).toBe(true);
    });
  });

  describe('permission', () => {
    const test = sharedTestOf(home, { ask: true });

    const asking = async (lab: AgentLab, server: LabServer) => {
      const { model, asked } = worker(making);
      lab.serve(model);
      const { job_id: jobId } = await lab.job(server);
      const job = await attention(server, jobId);
      expect(job).toMatchObject({ reason: 'permission' });
      expect(job.open_request).toContain(SHELL);
      expect(made(lab)).toBe(false);
      await until('the dialog is on the screen', async () => (await lab.dialog()) !== undefined);
      return { jobId, asked };
    };

    test('allowed by the supervisor: the command runs, once', async ({ lab, server }) => {
      const { jobId } = await asking(lab, server);
      const answered = await server.ask('answer_job', { job_id: jobId, decision: 'allow' });
      expect(answered.requests.at(-1)).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
      expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
      expect(made(lab)).toBe(true);
    });

    test('denied by the supervisor: the command never runs', async ({ lab, server }) => {
      const { jobId } = await asking(lab, server);
      await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
      await server.ask('wait_job', { job_id: jobId, timeout_seconds: 30 });
      expect(made(lab)).toBe(false);
      // If the agent doesn't show in time why it continued, it is not proven that the denial took effect.
      expect(lab.record(jobId).requests.at(0)).toMatchObject({
        decision: expect.stringMatching(/^(deny|settled after deny was given)$/),
      });
      expect(await server.refusal('answer_job', { job_id: jobId, decision: 'allow' })).toMatch(
        /no open permission request|there is nobody to answer/,
      );
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('answered by a person in the pane: the job continues', async ({ lab, server }) => {
      const { jobId } = await asking(lab, server);
      await pause(HUMAN_MS);
      for (const key of builtIn(home.kind)?.permission?.allow ?? []) await lab.type(key);
      expect(await final(server, jobId)).toMatchObject({ status: 'completed' });
      expect(made(lab)).toBe(true);
      expect(lab.record(jobId).requests.at(0)?.decided_by).toBeUndefined();
    });

    test('a job that meets an open dialog waits, and its order answers nothing', async ({ lab, server }) => {
      const { jobId: first } = await asking(lab, server);
      const second = await lab.job(server, { prompt: 'Paint the door' });
      expect(second.position).toBe(1);
      expect(made(lab)).toBe(false);
      await server.ask('answer_job', { job_id: first, decision: 'deny' });
      await server.ask('cancel_job', { job_id: first });
      await server.ask('cancel_job', { job_id: second.job_id });
      expect(made(lab)).toBe(false);
    });
  });

  test('an agent that has gone leaves a shell: nothing is typed into it', async ({ lab }) => {
    const { model } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startSession(lab.session, 'exec bash --norc --noprofile -i');
    expect(await server.refusal('delegate_job', { prompt: 'x', agent: home.kind })).toContain(
      'runs the shell bash',
    );
    expect(await server.refusal('delegate_job', { prompt: 'x', agent: home.kind, start: true })).toContain(
      'runs the shell bash',
    );
  });

  test('its program is absent: refused with how to get it', async ({ lab }) => {
    const { model } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer({ PATH: '/usr/bin:/bin' });
    const text = await server.refusal('start_agent', { agent: home.kind });
    expect(text).toContain('was not found on the PATH');
    expect(text).toContain('Install it');
  });
});

// biome-ignore lint/suspicious/noExplicitAny: an answer of a tool, as the agent passed it on
function parse(text: string): any {
  const begin = text.indexOf('{');
  const end = text.lastIndexOf('}');
  try {
    return JSON.parse(text.slice(begin, end + 1));
  } catch {
    return undefined;
  }
}
