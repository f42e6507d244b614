import { describe, expect } from 'vitest';
import { sharing as test } from '../support/lab-test.ts';
import { PATIENCE, pause } from '../support/until.ts';

/** How late a limit may fire, in ms: the hub checks every second. */
const TOLERANCE_MS = 900 * PATIENCE;
/** In seconds: longer than a report takes here. */
const LIMIT = 2 * PATIENCE;

// Nearly all of their time is waiting.
describe.concurrent('timeout_seconds', () => {
  test('fails the job in time; a late completed amends it, waking waiters once', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer, { timeout_seconds: LIMIT });
    await reporter.report(job_id, 'started');
    const first = await server.ask('wait_job', { job_id });
    expect(first).toMatchObject({
      outcome: 'final',
      jobs: [{ status: 'failed', reason: 'timeout', late: false }],
    });
    const record = lab.record(job_id);
    const after = Date.parse(record.final_at ?? '') - Date.parse(record.submitted_at ?? '');
    expect(after).toBeGreaterThanOrEqual(1_000 * LIMIT);
    expect(after).toBeLessThan(1_000 * LIMIT + TOLERANCE_MS);

    // A second job keeps the waiter waiting: what was final before its cursor is not news.
    const open = await server.delegate(peer);
    const ids = { job_ids: [job_id, open.job_id] };
    const { cursor } = await server.ask('wait_job', { ...ids, timeout_seconds: 0 });
    const next = server.wait({ ...ids, cursor });
    const told = await reporter.report(job_id, 'progress', { detail: 'still at it' });
    expect(told).toMatchObject({ accepted: false, recorded: true });
    expect(told.next).toMatch(/^Stop: This job failed \(timeout\)/);
    expect(next.at).toBeUndefined();
    const done = await reporter.report(job_id, 'completed', { detail: 'done after all' });
    expect(done).toMatchObject({ accepted: true, status: 'completed' });
    expect(done.summary).toContain('This job failed (timeout) at');
    const second = await next.answer;
    expect(second.outcome).toBe('final');
    const amended = second.jobs.find((job: { job_id: string }) => job.job_id === job_id);
    expect(amended).toMatchObject({ status: 'completed', detail: 'done after all', late: true });
    expect(amended.reason).toBeUndefined();

    // Only once: what comes later is recorded as late and wakes nobody.
    const third = server.wait({ ...ids, cursor: second.cursor });
    await reporter.report(job_id, 'completed', { detail: 'again' });
    await pause(200);
    expect(third.at).toBeUndefined();
    expect(lab.record(job_id)).toMatchObject({ status: 'completed', detail: 'done after all' });
    expect(lab.events(job_id).at(-1)).toMatchObject({ detail: 'again', late: true });
    await server.ask('cancel_job', { job_id: open.job_id });
    expect((await third.answer).outcome).toBe('final');
  });

  test('fires while the job needs attention, too; a late error says why', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer, {
      timeout_seconds: 2 * LIMIT,
      idle_timeout_seconds: LIMIT,
    });
    await reporter.report(job_id, 'question', { detail: 'Slate or tin?' });
    expect(lab.record(job_id).status).toBe('input_required');
    await lab.event(job_id, 'timeout');
    expect(lab.record(job_id)).toMatchObject({ status: 'failed', reason: 'timeout', attention: [] });
    // The idle clock pauses while an answer is awaited.
    expect(lab.types(job_id)).not.toContain('stalled');
    await reporter.report(job_id, 'error', { detail: 'no tin' });
    expect(lab.record(job_id)).toMatchObject({
      status: 'failed',
      reason: 'agent_error',
      late: true,
      detail: 'no tin',
    });
  });

  test('does not run while the job is queued', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id } = await server.delegate(peer, { timeout_seconds: 1 });
    await pause(1_500);
    expect(lab.record(job_id).status).toBe('queued');
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    await lab.event(job_id, 'timeout');
    // A whole second after the order was in its agent, however long that took.
    const { submitted_at, final_at } = lab.record(job_id);
    expect(Date.parse(final_at ?? '') - Date.parse(submitted_at ?? '')).toBeGreaterThanOrEqual(1_000);
  });
});

describe.concurrent('idle_timeout_seconds', () => {
  test('silence makes the job stalled; output in the pane resumes it', async ({ lab, server, peer }) => {
    const { job_id } = await server.delegate(peer, { idle_timeout_seconds: 1 });
    const answer = await server.ask('wait_job', { job_id });
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'input_required', reason: 'stalled' }],
    });
    const at = (type: string) =>
      Date.parse(lab.events(job_id).find((e) => e.type === type)?.recorded_at ?? '');
    expect(at('stalled') - at('submitted')).toBeGreaterThanOrEqual(1_000);
    // tmux counts output in whole seconds, and our own text came out after the submission.
    expect(at('stalled') - at('submitted')).toBeLessThan(2_000 + TOLERANCE_MS);
    const next = server.wait({ job_id, cursor: answer.cursor });
    await pause(1_000);
    expect(lab.types(job_id).filter((type) => type === 'stalled')).toHaveLength(1);
    // The program shows a key that a person presses.
    await lab.tmux('send-keys', '-t', peer.pane, 'x');
    await lab.event(job_id, 'resumed');
    expect(lab.record(job_id)).toMatchObject({ status: 'working', attention: [] });
    // Becoming busy again wakes nobody; falling silent again does.
    expect(await next.answer).toMatchObject({ outcome: 'needs_attention', jobs: [{ reason: 'stalled' }] });
    expect(lab.types(job_id).slice(-3)).toEqual(['stalled', 'resumed', 'stalled']);
  });

  test('an event of the peer resumes it, and events keep it from stalling', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer, { idle_timeout_seconds: LIMIT });
    await lab.event(job_id, 'stalled');
    await reporter.report(job_id, 'progress', { detail: 'slow, not dead' });
    expect(lab.record(job_id)).toMatchObject({ status: 'working', attention: [] });
    const seq = lab.record(job_id).seq;
    for (let i = 0; i < 4; i++) {
      await pause(350 * LIMIT);
      await reporter.report(job_id, 'progress');
    }
    expect(lab.events(job_id).filter(({ type, seq: at }) => type === 'stalled' && at > seq)).toEqual([]);
  });
});
