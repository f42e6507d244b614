import { describe, expect } from 'vitest';
import { sharingWith } from '../support/lab-test.ts';
import { pause, until } from '../support/until.ts';

/** Longer than the interval at which a blocked pane is checked. */
const NEXT_LOOK_MS = 1_300;

const sharing = sharingWith({ agents: { picky: { busy: 'esc to interrupt' } } });

describe.concurrent('jobs at one pane', () => {
  sharing('are handed over one after another, in order', async ({ lab, server, reporter, peer }) => {
    lab.write('own/file', '');
    const workdir = `${lab.project}/own`;
    const a = await server.delegate(peer, { prompt: 'job a', workdir });
    const b = await server.delegate(peer, { prompt: 'job b', workdir });
    const c = await server.delegate(peer, { prompt: 'job c', workdir });
    expect(a).toMatchObject({ status: 'working', position: 0, behind: [] });
    expect(b).toMatchObject({ status: 'queued', position: 1, behind: [a.job_id] });
    expect(c).toMatchObject({ status: 'queued', position: 2, behind: [a.job_id, b.job_id] });
    expect(b.warnings).toEqual([
      expect.stringContaining(`Job ${a.job_id} is open in the same working folder ${workdir}.`),
    ]);
    const person = await server.ask('delegate_job', { prompt: 'Bring the key', agent: 'human', workdir });
    expect(person.warnings).toEqual([]);
    await server.ask('cancel_job', { job_id: person.job_id });

    const all = server.wait({ job_ids: [a.job_id, b.job_id, c.job_id], until: 'all' });
    const orders: string[] = [];
    for (const { job_id } of [a, b, c]) {
      orders.push(lab.orderOf(job_id));
      await lab.event(job_id, 'submitted');
      expect(peer.pastes).toEqual(orders);
      await reporter.report(job_id, 'started');
      expect(all.at).toBeUndefined();
      await reporter.report(job_id, 'completed', { detail: `${job_id} done` });
    }
    expect(await all.answer).toMatchObject({ outcome: 'final' });
    expect(peer.keys).toBe('\r\r\r');
  });

  sharing('on_busy refuse names the holder and leaves no job', async ({ lab, server, peer }) => {
    const { job_id } = await server.delegate(peer);
    const text = await server.refusal('delegate_job', {
      ...{ prompt: 'never held', agent: 'command', agent_session: peer.address, on_busy: 'refuse' },
    });
    expect(text).toContain(`busy with job ${job_id} (working)`);
    expect(text).toContain('on_busy "queue"');
    expect(lab.jobIds().filter((id) => id === job_id || id.endsWith('-never-held'))).toEqual([job_id]);
    expect(peer.pastes).toHaveLength(1);
  });

  sharing('on_busy refuse counts a turn of the agent itself as busy', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--busy', 'esc to interrupt'] });
    const text = await server.refusal('delegate_job', {
      ...{ prompt: 'never taken', agent: 'picky', agent_session: peer.address, on_busy: 'refuse' },
    });
    expect(text).toContain('busy');
    expect(lab.jobIds().filter((id) => id.endsWith('-never-taken'))).toEqual([]);
    expect(peer.bytes.toString()).toBe('');
  });

  sharing('a job taken out of turn leaves the queue unpasted', async ({ lab, server, reporter, peer }) => {
    const a = await server.delegate(peer, { prompt: 'job a' });
    const b = await server.delegate(peer, { prompt: 'job b' });
    expect((await reporter.report(b.job_id, 'started')).task).toBe('job b');
    expect(lab.record(b.job_id)).toMatchObject({ status: 'working', submitted_at: expect.any(String) });
    await reporter.report(a.job_id, 'completed');
    await pause(NEXT_LOOK_MS);
    expect(lab.types(b.job_id)).toEqual(['queued', 'started']);
    expect(peer.pastes).toEqual([lab.orderOf(a.job_id)]);
    await reporter.report(b.job_id, 'completed');
    expect(lab.record(b.job_id).status).toBe('completed');
  });
});

describe.concurrent('a cancelled job', () => {
  sharing('behind another is taken out; the next one moves up', async ({ lab, server, reporter, peer }) => {
    const [a, b, c] = [await server.delegate(peer), await server.delegate(peer), await server.delegate(peer)];
    const wait = server.wait({ job_id: b.job_id });
    const answer = await server.ask('cancel_job', { job_id: b.job_id, reason: 'no longer needed' });
    expect(answer).toMatchObject({ changed: true, status: 'cancelled', detail: 'no longer needed' });
    expect(answer.note).toContain('nothing had been delivered');
    expect(await wait.answer).toMatchObject({ outcome: 'final', jobs: [{ status: 'cancelled' }] });
    await reporter.report(a.job_id, 'completed');
    await lab.event(c.job_id, 'submitted');
    expect(peer.pastes).toEqual([a, c].map(({ job_id }) => lab.orderOf(job_id)));
    expect(lab.types(b.job_id)).toEqual(['queued', 'cancelled']);
  });

  sharing('that is blocked is never typed once the obstacle is gone', async ({ lab, server, peer }) => {
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id } = await server.delegate(peer);
    expect(lab.record(job_id).blocked_by).toBe('copy_mode');
    expect((await server.ask('cancel_job', { job_id })).status).toBe('cancelled');
    expect(lab.record(job_id).blocked_by).toBeUndefined();
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    await pause(NEXT_LOOK_MS);
    expect(peer.bytes.toString()).toBe('');
    // The pane is free for others.
    const next = await server.delegate(peer);
    expect(next.status).toBe('working');
  });

  sharing('in work is final at once; its next report says so', async ({ lab, server, reporter, peer }) => {
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'started');
    const answer = await server.ask('cancel_job', { job_id, reason: 'stop' });
    expect(answer).toMatchObject({ changed: true, status: 'cancelled' });
    expect(lab.record(job_id)).toMatchObject({ status: 'cancelled', detail: 'stop' });
    for (const event of ['started', 'progress']) {
      const told = await reporter.report(job_id, event);
      expect(told).toMatchObject({ accepted: false, recorded: true, status: 'cancelled' });
      expect(told.next).toMatch(/^Stop: This job has been cancelled/);
      expect(told.task).toBeUndefined();
    }
    const late = await reporter.report(job_id, 'completed', { detail: 'too late' });
    expect(late).toMatchObject({ accepted: false, status: 'cancelled' });
    expect(lab.record(job_id)).toMatchObject({ status: 'cancelled', detail: 'stop', late: false });
    expect(lab.events(job_id).at(-1)).toMatchObject({ type: 'completed', late: true });
    expect(await server.ask('cancel_job', { job_id })).toMatchObject({ changed: false });
    // Cancelling ended nothing that we did not start.
    expect(await lab.tmux('display-message', '-p', '-t', peer.pane, '#{pane_dead}')).toBe('0');
  });

  sharing('between paste and Enter gets no Enter', async ({ lab, server }) => {
    const peer = await lab.startPeer('slow', { args: ['--report', ''] });
    const delegated = server.delegate(peer);
    await until('the paste has arrived', () => peer.pastes.length === 1);
    const job_id = /id, not one from an earlier job: (\S+)/.exec(peer.pastes[0] ?? '')?.[1] ?? '';
    expect((await server.ask('cancel_job', { job_id })).status).toBe('cancelled');
    expect((await delegated).status).toBe('cancelled');
    await until('the text is shown', async () => (await lab.screen(peer)).includes(job_id));
    await pause(300);
    expect(peer.keys).toBe('');
    expect(lab.types(job_id)).toEqual(['queued', 'pasting', 'cancelled']);
  });
});
