import { readdirSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { dataOf } from '../../../src/job/event.ts';
import type { LabServer } from '../../support/lab-server.ts';
import { pause, until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { sharedTestOf } from '../lab-test.ts';
import type { ModelStep, StepPart } from '../model/script.ts';
import { worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

const report = (job_id: string, event: string): StepPart => ({
  call: 'publish_event',
  args: { job_id, event },
});
/** Commands that each make a file, requested in one answer of the model. */
const parallel = (...names: string[]): ModelStep => ({
  many: names.map((name) => ({ shell: `touch file-${name}` })),
});
/** Nobody answers a dialog sooner, and Claude Code ignores keys in its first 150 ms. */
const HUMAN_MS = 400;

describe.each(HOMES)('$kind', (home) => {
  const permission = builtIn(home.kind)?.permission;
  /** Gemini CLI runs simultaneous requests only once all of them are allowed. */
  const runsTogether = home.kind === 'gemini';
  const files = (lab: AgentLab) =>
    readdirSync(lab.project)
      .filter((name) => name.startsWith('file-'))
      .sort();
  const showsDialog = (lab: AgentLab, words: string) =>
    until(`a dialog with ${words}`, async () => (await lab.dialog())?.input.includes(words), 20_000);

  /** A job with the given steps, up to its first permission request. */
  async function asking(lab: AgentLab, server: LabServer, ...steps: ModelStep[]) {
    const { model } = worker((id) => [report(id, 'started'), ...steps, report(id, 'completed')]);
    lab.serve(model);
    const { job_id: jobId } = await lab.job(server);
    const { jobs } = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 30 });
    expect(jobs[0].reason).toBe('permission');
    return { jobId, told: String(jobs[0].open_request) };
  }

  /**
   * Several calls in one answer, once the first dialog is open. Gemini CLI draws the dialog whose hook ended first, and
   * another one as soon as an earlier call's hook has ended.
   */
  async function askingAtOnce(lab: AgentLab, server: LabServer, ...names: string[]) {
    const asked = await asking(lab, server, parallel(...names));
    if (home.kind !== 'gemini') return asked;
    await lab.shows(`1 of ${names.length}`);
    const told = await until('the request of that dialog is reported', async () => {
      const { jobs } = await server.ask('wait_job', { job_id: asked.jobId, timeout_seconds: 10 });
      const { input } = (await lab.dialog()) ?? {};
      const [open] = jobs.map((job: { open_request?: string }) => String(job.open_request));
      return input !== undefined && open.includes(input) && open;
    });
    return { ...asked, told: String(told) };
  }
  const allow = (server: LabServer, jobId: string) =>
    server.call('answer_job', { job_id: jobId, decision: 'allow' });

  /** A decision for one of two similar commands that arrives while the other's dialog is open. */
  async function decidesOf(lab: AgentLab, server: LabServer, one: string, other: string) {
    const { jobId } = await asking(lab, server, { shell: `touch ${one}` }, { shell: `touch ${other}` });
    const [first] = lab.record(jobId).requests;
    await showsDialog(lab, one);
    await pause(HUMAN_MS);
    for (const key of permission?.allow ?? []) await lab.type(key);
    await showsDialog(lab, other);
    const late = { job_id: jobId, request_id: first?.request_id, decision: 'allow' };
    const answer = await server.call('answer_job', late);
    expect(answer.isError, answer.content[0].text).toBe(true);
    const told = await until('the other one is reported', () =>
      lab
        .record(jobId)
        .requests.find((open) => open.input?.includes(other) && open.resolved_at === undefined),
    );
    expect(told.request_id).not.toBe(first?.request_id);
    await server.ask('answer_job', { job_id: jobId, request_id: told.request_id, decision: 'deny' });
    expect(files(lab)).toEqual([one]);
    await server.ask('cancel_job', { job_id: jobId });
  }

  describe('with our hooks', () => {
    const test = sharedTestOf(home, { ask: true });

    test('an answer to what a person has answered does not allow the next one', async ({ lab, server }) => {
      const { jobId } = await asking(lab, server, { shell: 'touch file-A' }, { shell: 'touch file-B' });
      await showsDialog(lab, 'file-A');
      await pause(HUMAN_MS);
      for (const key of permission?.allow ?? []) await lab.type(key);
      await showsDialog(lab, 'file-B');
      await until('the next request is reported', () =>
        lab
          .record(jobId)
          .requests.some((one) => one.input?.includes('file-B') && one.resolved_at === undefined),
      );
      const answer = await allow(server, jobId);
      expect(answer.isError).toBe(true);
      expect(answer.content[0].text).toContain('is no longer open');
      expect(answer.content[0].text).toContain('touch file-B');
      await showsDialog(lab, 'file-B');
      expect(files(lab)).toEqual(['file-A']);
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('a late answer does not allow a longer command that starts the same', async ({ lab, server }) => {
      const longer = 'touch file-main && touch file-forced';
      const { jobId } = await asking(lab, server, { shell: 'touch file-main' }, { shell: longer });
      await showsDialog(lab, 'file-main');
      await pause(HUMAN_MS);
      for (const key of permission?.allow ?? []) await lab.type(key);
      await showsDialog(lab, 'file-forced');
      const late = await allow(server, jobId);
      expect(late.isError, late.content[0].text).toBe(true);
      const { jobs } = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 20 });
      expect(jobs[0].open_request).toContain(longer);
      expect(files(lab)).toEqual(['file-main']);
      await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
      await until('the request is settled', () => lab.record(jobId).requests[1]?.resolved_at !== undefined);
      expect(files(lab)).toEqual(['file-main']);
      const requests = lab.record(jobId).requests;
      expect(requests).toHaveLength(2);
      expect(requests[0]?.decided_by).toBeUndefined();
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('a decision allows no command that differs in one non-Latin character', ({ lab, server }) =>
      decidesOf(lab, server, 'file-가', 'file-나'));

    test('of several requests at once, the one that was shown is decided', async ({ lab, server }) => {
      const { jobId, told } = await askingAtOnce(lab, server, 'P', 'Q', 'R');
      const [first = ''] = /file-[PQR]/.exec(told) ?? [];
      const answer = await allow(server, jobId);
      expect(answer.isError ?? false, answer.content[0].text).toBe(false);
      if (!runsTogether) {
        await until('its command has run', () => files(lab).length > 0, 15_000);
        expect(files(lab)).toEqual([first]);
      }
      const resolved = lab
        .events(jobId)
        .find((event) => event.type === 'permission_resolved' && dataOf(event).decision === 'allow');
      const request = lab.events(jobId).find(({ event_id: id }) => id === dataOf(resolved ?? {}).request_id);
      expect(request?.detail).toContain(first);
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('two supervisors allow at once: one command runs', async ({ lab, server }) => {
      const { jobId } = await askingAtOnce(lab, server, 'A', 'B', 'C');
      const other = await lab.startServer();
      await other.ask('job_status', { job_id: jobId });
      const answers = await Promise.all([allow(server, jobId), allow(other, jobId)]);
      expect(answers.filter(({ isError }) => isError !== true)).toHaveLength(1);
      if (!runsTogether) await until('its command has run', () => files(lab).length > 0, 15_000);
      expect(files(lab)).toHaveLength(runsTogether ? 0 : 1);
      await server.ask('cancel_job', { job_id: jobId });
    });

    test('the end of a long command is reported as well', async ({ lab, server }) => {
      const lines = Array.from({ length: 40 }, (_, n) => `echo line ${n} of a long command > /dev/null`);
      const { jobId, told } = await asking(lab, server, { shell: [...lines, 'touch file-evil'].join('\n') });
      expect(told).toMatch(/\(\d+ characters/);
      expect(told).toContain('touch file-evil');
      await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
      await server.ask('cancel_job', { job_id: jobId });
      expect(files(lab)).toEqual([]);
    });
  });

  describe('started by a person, without our hooks', () => {
    const test = sharedTestOf(home, { ask: true, byHand: true });

    test.for([
      { pair: 'one character', names: ['file-a1', 'file-a2'] as const },
      { pair: 'one sign of another script', names: ['file-가', 'file-나'] as const },
    ])('a decision allows no command that differs in $pair', ({ names }, { lab, server }) =>
      decidesOf(lab, server, names[0], names[1]),
    );
  });
});
