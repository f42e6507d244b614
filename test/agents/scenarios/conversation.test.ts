import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import type { LabServer } from '../../support/lab-server.ts';
import { until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { testOf } from '../lab-test.ts';
import { type Model, USED } from '../model/script.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** How long a job may take on a busy machine. */
const FINAL_MS = 120_000;

/** What so many answers of the scripted model have used. */
const usedIn = (answers: number) => ({
  input_tokens: answers * USED.input,
  output_tokens: answers * USED.output,
  cached_tokens: answers * USED.cached,
});

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);
  /** Delegates a job, and waits until its turn has ended. */
  const work = async (lab: AgentLab, server: LabServer, prompt: string) => {
    const { job_id: jobId } = await lab.job(server, { prompt });
    await until('it is done', () => lab.record(jobId).status === 'completed', FINAL_MS);
    await lab.settle(server);
    return jobId;
  };
  /** Waits until the record says so: the last line of a turn is read a second after it. */
  const uses = async (lab: AgentLab, jobId: string, answers: number) => {
    await until(
      `${answers} answers`,
      () => lab.record(jobId).usage?.output_tokens === answers * USED.output,
      20_000,
    ).catch(() => {});
    expect(lab.record(jobId).usage).toMatchObject(usedIn(answers));
  };

  test('each of two jobs in one conversation has what its own turn has used', async ({ lab }) => {
    const { model } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const one = await work(lab, server, 'Mend the roof');
    // Two reports, and the last words, which come after the end of the job.
    await uses(lab, one, 3);
    const other = await work(lab, server, 'Paint the door');
    await uses(lab, other, 3);
    await uses(lab, one, 3);
    const { conversation, usage } = lab.record(other);
    expect(conversation).toMatchObject({ agent: home.kind, id: lab.record(one).conversation?.id });
    expect(conversation?.id).toMatch(builtIn(home.kind)?.conversation?.id ?? /^$/);
    expect(usage?.models).toEqual([expect.stringMatching(/./)]);
    process.stdout.write(`${home.kind}: ${JSON.stringify({ conversation, usage })}\n`);
    await server.ask('stop_agent', { name: lab.session });
  });

  test('a job that was lost with its agent goes on in its conversation', async ({ lab }) => {
    let [isStuck, hasAnswered] = [true, false];
    const { model, asked } = worker((jobId) => done(jobId));
    const stuck: Model = async (request) => {
      // The second request is answered by nobody: the power is cut.
      if (isStuck && request.results.length > 0) {
        hasAnswered = true;
        await new Promise(() => {});
      }
      return model(request);
    };
    await lab.prepare(stuck);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const { job_id: jobId } = await lab.job(server);
    await until('it works', () => lab.record(jobId).started_at !== undefined, FINAL_MS);
    // Before that, OpenCode has not yet said what its first answer has used.
    await until('its first answer is over', () => hasAnswered, FINAL_MS);
    await lab.endAgent();
    await until('it is lost', () => lab.record(jobId).reason === 'session_lost');
    const before = lab.record(jobId);
    isStuck = false;
    const status = await lab.mam('status', jobId);
    expect(status.stdout).toContain(`mam start ${home.kind} --resume ${jobId}`);

    const started = await server.ask('start_agent', { agent: home.kind, resume_job: jobId });
    expect(started, JSON.stringify(started)).toMatchObject({ ready: true });
    expect(started.summary).toContain(jobId);
    await lab.say(`Job ${jobId}: go on where you were.`, FINAL_MS);
    await until('it is done', () => lab.record(jobId).status === 'completed', FINAL_MS);
    await lab.settle(server);
    // The model was shown the order again, which only the old conversation has.
    const prompts = asked.at(-1)?.prompts ?? [];
    expect(prompts.some((text) => text.includes(lab.orderOf(jobId)))).toBe(true);
    const after = lab.record(jobId);
    expect(after).toMatchObject({ late: true, conversation: { id: before.conversation?.id } });
    expect(after.agent_session?.session_created).toBeGreaterThanOrEqual(
      before.agent_session?.session_created ?? 0,
    );
    expect(after.agent_process?.pid).not.toBe(before.agent_process?.pid);
    // One answer before the loss, and after it another report and the last words.
    await uses(lab, jobId, 3);
    await server.ask('stop_agent', { name: lab.session });
  });

  test('an agent without a conversation to resume says that it began a new one', async ({ lab }) => {
    await lab.prepare(worker(done).model);
    const server = await lab.startServer();
    const started = await server.ask('start_agent', { agent: home.kind, resume: true });
    expect(started, JSON.stringify(started)).toMatchObject({ ready: true });
    expect(started.summary).toContain('It began a new conversation: it ');
    await server.ask('stop_agent', { name: lab.session });
  });
});
