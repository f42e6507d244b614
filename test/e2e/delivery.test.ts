import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import { sharingWith } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { pause, until } from '../support/until.ts';

/** Longer than the interval at which a blocked pane is checked. */
const NEXT_LOOK_MS = 1_300;

/** Checks that this peer got this order once, as one paste, with this many Enters, and not a byte more. */
function gotOnce(peer: Peer, order: string, enters = 1): void {
  expect(peer.pastes).toEqual([order]);
  expect(peer.bytes.toString()).toBe(`\x1b[200~${order}\x1b[201~${'\r'.repeat(enters)}`);
}

/** Kinds of agents whose screens are known. */
const AGENTS = {
  asking: { dialog: 'Do you want', session: 'tmux:dialog' },
  picky: { ready: '^READY> *$', busy: 'esc to interrupt' },
};
const sharing = sharingWith({ agents: AGENTS });

describe.concurrent('a peer that', () => {
  sharing('swallows the first Enter gets a second one, and no second paste', async ({ lab, server }) => {
    const peer = await lab.startPeer('swallows');
    const job = await server.delegate(peer);
    expect(job.status).toBe('working');
    expect((await server.ask('wait_job', { job_id: job.job_id })).outcome).toBe('final');
    gotOnce(peer, lab.orderOf(job.job_id), 2);
  });

  sharing('is slow to show the paste gets its Enter only after it is seen', async ({ lab, server }) => {
    const peer = await lab.startPeer('slow');
    const { job_id } = await server.delegate(peer);
    expect((await server.ask('wait_job', { job_id })).jobs[0].status).toBe('completed');
    gotOnce(peer, lab.orderOf(job_id));
    const at = (type: string) =>
      Date.parse(lab.events(job_id).find((e) => e.type === type)?.recorded_at ?? '');
    expect(at('visible') - at('pasting')).toBeGreaterThanOrEqual(650);
    expect(at('submitted')).toBeGreaterThanOrEqual(at('visible'));
  });

  sharing('is slower than tmux may be: tmux, which answered, is not blamed', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--echo', '2500'] });
    const { job_id } = await server.delegate(peer);
    await lab.event(job_id, 'submitted');
    expect(lab.types(job_id)).toEqual(['queued', 'pasting', 'visible', 'submitted']);
    await server.ask('cancel_job', { job_id });
  });

  sharing('floods its screen still gets the job', async ({ lab, server }) => {
    const peer = await lab.startPeer('floods');
    const { job_id } = await server.delegate(peer);
    expect((await server.ask('wait_job', { job_id })).jobs[0].status).toBe('completed');
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
  });

  sharing('dies between paste and Enter: session_lost, no Enter for the next', async ({ lab, server }) => {
    const peer = await lab.startPeer('dies', { inShell: true });
    const { job_id, next } = await server.delegate(peer);
    expect(next).toContain(`Why it failed: Call job_logs with {"job_id":"${job_id}"`);
    const answer = await server.ask('wait_job', { job_id });
    expect(answer).toMatchObject({
      outcome: 'final',
      jobs: [{ status: 'failed', reason: 'session_lost' }],
    });
    expect(lab.types(job_id)).toContain('pasting');
    expect(lab.types(job_id)).not.toContain('submitted');
    expect(answer.jobs[0].detail).not.toContain('Nothing was delivered');
    expect(peer.keys).toBe('');
    expect(await lab.screen(peer)).not.toContain('command not found');
  });

  sharing('asks over the paste: reported at once, no instruction is proposed', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--show', 'dialog'] });
    const job = await server.delegate(peer, { agent: 'asking' });
    const { job_id, summary, detail, attach_command } = job;
    expect(summary).toBe(`Job ${job_id} was delegated to asking, but its arrival was not confirmed.`);
    expect(detail).toBe(lab.record(job_id).detail);
    const answer = await server.ask('wait_job', { job_id });
    for (const { next } of [job, answer]) {
      expect(next).toContain('to press Enter');
      expect(next).toContain(`(${attach_command})`);
      expect(next).toContain(`Call cancel_job with {"job_id":"${job_id}"}`);
      // It would wait behind the order.
      expect(next).not.toContain('answer_job');
    }
    await server.ask('cancel_job', { job_id });
  });

  sharing('hides its paste: delivery_unverified, no Enter, no repeat', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { args: ['--echo', '100000'] });
    const { job_id } = await server.delegate(peer);
    const answer = await server.ask('wait_job', { job_id });
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'input_required', reason: 'delivery_unverified' }],
    });
    await pause(NEXT_LOOK_MS);
    expect(peer.bytes.toString()).toBe(`\x1b[200~${lab.orderOf(job_id)}\x1b[201~`);
    // Any report of the peer proves that it has the job: from then on it is a normal job, with its clocks.
    await reporter.report(job_id, 'progress', { detail: 'found it' });
    const record = lab.record(job_id);
    expect(record).toMatchObject({ status: 'working', attention: [] });
    expect(record.submitted_at).toBeDefined();
    await reporter.report(job_id, 'completed');
    expect(lab.record(job_id).status).toBe('completed');
    expect(peer.pastes).toHaveLength(1);
  });
});

describe.concurrent('an obstacle in the pane', () => {
  sharing('a dialog: queued, nothing typed; delivered by itself once it is gone', async ({ lab, server }) => {
    const peer = await lab.startPeer('dialog');
    // The configured kind has its own session.
    const job = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the roof', agent: 'asking' },
    });
    const { job_id } = job;
    expect(job).toMatchObject({ status: 'queued', delivery_stage: 'queued' });
    expect(lab.record(job_id)).toMatchObject({
      status: 'queued',
      blocked_by: 'dialog',
      agent_session: { session: 'dialog', pane: peer.pane },
    });

    // Waiters wake once, and then not again until the job is final.
    const answer = await server.ask('wait_job', { job_id });
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'queued', blocked_by: 'dialog' }],
    });
    const next = server.wait({ job_id, cursor: answer.cursor });
    await pause(NEXT_LOOK_MS);
    expect(next.at).toBeUndefined();
    expect(lab.events(job_id).filter((event) => dataOf(event).waited === true)).toHaveLength(1);
    expect(peer.bytes.toString()).toBe('');
    expect(await server.refusal('answer_job', { job_id, decision: 'allow' })).toContain(
      'waits behind a dialog that appeared before its order was typed',
    );

    await lab.tmux('send-keys', '-t', peer.pane, 'y');
    expect(await next.answer).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
    expect(peer.bytesWhileHeld.toString()).toBe('y');
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
    expect(peer.keys).toBe('y\r');
    expect(lab.record(job_id).blocked_by).toBeUndefined();
  });

  sharing('copy mode: queued, then delivered by itself once it is left', async ({ lab, server }) => {
    const peer = await lab.startPeer('good');
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id, status } = await server.delegate(peer);
    expect(status).toBe('queued');
    expect(lab.record(job_id)).toMatchObject({ blocked_by: 'copy_mode', phase: 'queued' });
    // It was seen, and is still there at the next look.
    expect(lab.types(job_id)).toEqual(['queued', 'blocked', 'blocked']);
    const { seq } = lab.record(job_id);
    const wait = server.wait({ job_id, cursor: `${job_id}:${seq}` });
    await pause(NEXT_LOOK_MS);
    // From then on it causes no more events, however often it is seen.
    expect(lab.record(job_id).seq).toBe(seq);
    expect(wait.at).toBeUndefined();
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    expect((await wait.answer).outcome).toBe('final');
    gotOnce(peer, lab.orderOf(job_id));
  });

  sharing('a shell that comes to the foreground: queued, nothing typed into it', async ({ lab, server }) => {
    const peer = await lab.startPeer('good', { inShell: true });
    // Stopped, not ended: the agent lives, the shell reads the keys.
    process.kill(peer.pid, 'SIGSTOP');
    const command = () => lab.tmux('display-message', '-p', '-t', peer.pane, '#{pane_current_command}');
    await until('bash is in front', async () => (await command()) === 'bash');
    expect(
      await server.refusal('delegate_job', {
        ...{ prompt: 'never run', agent: 'command', agent_session: peer.address },
      }),
    ).toContain('runs the shell bash');
    expect(lab.jobIds().filter((id) => id.includes('never-run'))).toEqual([]);
    process.kill(peer.pid, 'SIGCONT');
  });

  sharing('a busy screen and a ready pattern: waits for a prompt, reported busy', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--busy', 'esc to interrupt'] });
    const { job_id, status } = await server.delegate(peer, { agent: 'picky' });
    expect(status).toBe('queued');
    expect(lab.record(job_id).blocked_by).toBe('busy');
    await lab.tmux('send-keys', '-t', peer.pane, 'y');
    await lab.event(job_id, 'submitted');
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
  });
});
