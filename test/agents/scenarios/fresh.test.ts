import { describe, expect } from 'vitest';
import { until } from '../../support/until.ts';
import { testOf } from '../lab-test.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

const WAIT_SECONDS = 120;

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);

  test('a job with fresh begins a new conversation; without it, jobs share one', async ({ lab }) => {
    const { model, asked } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const ended = async (args: Record<string, unknown> = {}) => {
      const { job_id, ...answer } = await lab.job(server, args);
      const { outcome, jobs } = await server.ask('wait_job', { job_id, timeout_seconds: WAIT_SECONDS });
      expect({ outcome, status: jobs?.[0]?.status }).toEqual({ outcome: 'final', status: 'completed' });
      return { job_id, answer };
    };
    /** The jobs whose orders the model has seen in the conversation with this job's order. */
    const conversationOf = (jobId: string) =>
      asked.findLast(({ prompts }) => prompts.at(-1)?.includes(jobId) === true)?.prompts.join('\n') ?? '';
    const first = await ended();
    const second = await ended({ prompt: 'Paint the door' });
    expect(conversationOf(second.job_id)).toContain(first.job_id);

    // As people have it. Gemini CLI leaves old rows below its box when its pane shrinks: then it is not ready.
    if (home.kind !== 'gemini') {
      await lab.tmux('resize-window', '-t', `=${lab.session}:`, '-x', '80', '-y', '24');
      await lab.settle(server);
    }
    const preview = await lab.job(server, { prompt: 'Sweep the yard', fresh: true, dry_run: true });
    const command = home.kind === 'codex' || home.kind === 'opencode' ? '/new' : '/clear';
    expect(preview.new_conversation).toBe(`${command} is typed first, right before the order`);
    const third = await ended({ prompt: 'Sweep the yard', fresh: true });
    expect(conversationOf(third.job_id)).toContain(third.job_id);
    for (const { job_id } of [first, second]) expect(conversationOf(third.job_id)).not.toContain(job_id);
    const { delivery } = lab.record(third.job_id);
    const evidence = delivery.find(({ stage }) => stage === 'new_conversation')?.evidence;
    expect(evidence).toContain(`${command} was typed, and the screen shows an empty conversation`);
    const stages = delivery.map(({ stage }) => stage);
    expect(stages).toEqual(
      expect.arrayContaining(['new_conversation', 'submitted', 'acknowledged', 'started']),
    );
    expect(lab.types(third.job_id)).not.toContain('turn_ended');

    // It is still the same agent to the hub, with its server.
    const fourth = await ended({ prompt: 'Feed the cat' });
    expect(conversationOf(fourth.job_id)).toContain(third.job_id);
    const ids = [first, second, third, fourth].map(({ job_id }) => lab.record(job_id).conversation?.id);
    expect(ids).toEqual([ids[0], ids[0], ids[2], ids[2]]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids).not.toContain(undefined);
    const { agents } = await server.ask('list_agents');
    const own = agents.filter(({ agent }: { agent: string }) => agent === home.kind);
    expect(own).toMatchObject([{ peer_server: 'connected', started_by_us: true }]);
    await server.ask('stop_agent', { name: lab.session });
  });

  test('a queue: it begins when its turn comes, and a hub that is killed in between does no harm', async ({
    lab,
  }) => {
    const { model, asked } = worker(done);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    const one = await lab.job(server);
    const two = await lab.job(server, { prompt: 'Paint the door', fresh: true });
    await lab.event(two.job_id, 'pasting', 60_000);
    await lab.killHub();
    await until('a hub runs again', async () => (await server.ask('list_jobs')) !== undefined);
    await lab.event(two.job_id, 'completed', 60_000);
    const own = asked.filter(({ prompts }) => prompts.at(-1)?.includes(two.job_id) === true);
    expect(own.length).toBeGreaterThan(0);
    for (const { prompts } of own) {
      expect(prompts.join('\n')).not.toContain(one.job_id);
      // Its command is not a prompt.
      expect(prompts.filter((text) => /^\s*\/(?:new|clear)\s*$/.test(text))).toEqual([]);
    }
    expect(lab.record(two.job_id).status).toBe('completed');
    await server.ask('stop_agent', { name: lab.session });
  });
});
