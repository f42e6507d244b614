import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { LabServer } from '../../../support/lab-server.ts';
import { pause, until } from '../../../support/until.ts';
import type { AgentLab } from '../../lab.ts';
import { testOf } from '../../lab-test.ts';
import type { ModelStep } from '../../model/script.ts';
import { worker } from '../../model/worker.ts';
import { homeOf } from '../../programs.ts';

/** What auto mode wants to check first, unlike a plain `touch`. Nobody listens there. */
const checked = (file: string): ModelStep => ({ shell: `curl -s http://127.0.0.1:9/; touch ${file}` });
/** Nobody answers a dialog sooner, and Claude Code ignores keys in its first 150 ms. */
const HUMAN_MS = 400;

describe.each([homeOf('claude-code')])('$kind in auto mode', (home) => {
  const test = testOf(home);
  const made = (lab: AgentLab, name: string) => existsSync(join(lab.project, name));
  const openRequest = async (server: LabServer, jobId: string): Promise<string> => {
    const { outcome, jobs } = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 60 });
    expect(outcome, JSON.stringify(jobs)).toBe('needs_attention');
    return String(jobs[0].open_request);
  };
  /** Waits for a dialog and its request, and returns what the supervisor is shown. */
  const told = async (lab: AgentLab, server: LabServer, jobId: string, words: string) => {
    await until(`a dialog with ${words}`, async () => (await lab.dialog())?.input.includes(words));
    return until(`the request of ${words}`, async () => {
      const text = await openRequest(server, jobId);
      return text.includes(words) && text;
    });
  };

  /** A job with the given steps up to its first dialog; a person has read that actions can't be checked here. */
  async function asking(lab: AgentLab, ...steps: ModelStep[]) {
    const { model } = worker((job_id) => [
      { call: 'publish_event', args: { job_id, event: 'started' } },
      ...steps,
      { call: 'publish_event', args: { job_id, event: 'completed' } },
    ]);
    await lab.prepare(model);
    const server = await lab.startServer();
    await lab.startAgent(server);
    await lab.shows('auto mode on');
    const { job_id: jobId } = await lab.job(server);
    const notice = await openRequest(server, jobId);
    expect(notice).toContain("Auto mode can't check actions in this session");
    expect(notice).toContain(`mam attach ${jobId}`);
    const refused = await server.call('answer_job', { job_id: jobId, decision: 'allow' });
    expect(refused.content[0].text).toContain(`mam attach ${jobId}`);
    expect(refused.content[0].text).not.toContain('another dialog');
    await lab.type('Enter');
    return { server, jobId };
  }

  test('what it wants to check is reported whole, and allowed by key', async ({ lab }) => {
    const { server, jobId } = await asking(lab, checked('file-a'));
    expect(await told(lab, server, jobId, 'file-a')).toContain('curl -s http://127.0.0.1:9/; touch file-a');
    expect(made(lab, 'file-a')).toBe(false);
    const answer = await server.ask('answer_job', { job_id: jobId, decision: 'allow' });
    expect(answer.requests.at(-1)).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
    await lab.event(jobId, 'completed', 30_000);
    expect(made(lab, 'file-a')).toBe(true);
  });

  test('denied by key, the command never runs', async ({ lab }) => {
    const { server, jobId } = await asking(lab, checked('file-a'));
    await told(lab, server, jobId, 'file-a');
    const answer = await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
    expect(answer.requests.at(-1)).toMatchObject({ decision: 'deny', decided_by: 'supervisor' });
    expect(made(lab, 'file-a')).toBe(false);
    await server.ask('cancel_job', { job_id: jobId });
  });

  test('an answer to a dialog that a person has answered allows none that looks like it', async ({ lab }) => {
    const { server, jobId } = await asking(lab, checked('file-a'), checked('file-b'));
    await told(lab, server, jobId, 'file-a');
    await pause(HUMAN_MS);
    await lab.type('Down');
    await until('Yes is selected', async () => (await lab.dialog())?.choice?.allow.join() === 'Enter');
    await lab.type('Enter');
    await told(lab, server, jobId, 'file-b');
    const first = lab.record(jobId).requests.find(({ input }) => input?.includes('file-a'));
    const late = { job_id: jobId, request_id: first?.request_id, decision: 'allow' };
    expect((await server.call('answer_job', late)).isError).toBe(true);
    expect(made(lab, 'file-b')).toBe(false);
    await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
    expect(made(lab, 'file-a')).toBe(true);
    expect(made(lab, 'file-b')).toBe(false);
    await server.ask('cancel_job', { job_id: jobId });
  });
});
