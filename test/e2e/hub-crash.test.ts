import { existsSync, readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import { sharing as test } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

// The tests run one after another: each ends the shared hub.

/** Waits until a hub other than the killed ones runs. */
async function nextHub(lab: Lab): Promise<number> {
  return until('another hub runs', async () => {
    const pid = await lab.hubPid();
    return !lab.killedHubs.has(pid) && pid;
  });
}

/** The control clients of the lab's tmux server, each by its process. */
async function controlClients(lab: Lab): Promise<string[]> {
  const lines = await lab.tmux('list-clients', '-F', '#{client_control_mode} #{client_pid}');
  return lines.split('\n').filter((line) => line.startsWith('1 '));
}

/** Delegates, and kills hub and supervisor as soon as the paste has arrived, before any Enter. */
async function killedAfterPaste(lab: Lab, peer: Peer): Promise<string> {
  const server = await lab.startServer();
  await server.ask('list_jobs');
  await lab.hubPid();
  const before = lab.jobIds();
  server.delegate(peer).catch(() => {});
  await until('the paste has arrived', () => peer.pastes.length === 1);
  // The server is killed first: it would immediately start another hub.
  server.child.kill('SIGKILL');
  await lab.killHub();
  expect(peer.keys).toBe('');
  const [jobId = ''] = lab.jobIds().filter((id) => !before.includes(id));
  expect(lab.types(jobId)).toEqual(['queued', 'pasting']);
  return jobId;
}

describe('the hub is killed', () => {
  test('while a job is queued: the waiter continues, the job is delivered once', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const a = await server.delegate(peer, { prompt: 'job a' });
    const b = await server.delegate(peer, { prompt: 'job b' });
    const wait = server.wait({ job_ids: [a.job_id, b.job_id], until: 'all' });
    await pause(100);
    await lab.killHub();
    await nextHub(lab);
    expect(lab.record(b.job_id).status).toBe('queued');
    await reporter.report(a.job_id, 'completed');
    await lab.event(b.job_id, 'submitted');
    await reporter.report(b.job_id, 'completed');
    expect((await wait.answer).outcome).toBe('final');
    expect(peer.pastes).toEqual([a, b].map(({ job_id }) => lab.orderOf(job_id)));
    expect(peer.keys).toBe('\r\r');
  });

  test('while a job is blocked: the next hub takes care of it', async ({ lab, server }) => {
    const peer = await lab.startPeer('good');
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id } = await server.delegate(peer);
    const wait = server.wait({ job_id, cursor: `${job_id}:${lab.record(job_id).seq}` });
    await pause(100);
    const before = await controlClients(lab);
    await lab.killHub();
    await nextHub(lab);
    // tmux 3.3a crashes if a mode ends at the moment when a control client attaches.
    const isNew = async () => (await controlClients(lab)).some((client) => !before.includes(client));
    await until('it is attached', isNew);
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    expect((await wait.answer).jobs[0].status).toBe('completed');
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
    expect(peer.keys).toBe('\r');
  });

  test('while a job is worked on: reports, clocks and losses continue', async ({ lab, server, reporter }) => {
    const [peer, lost] = [await lab.startPeer('mute'), await lab.startPeer('mute', { session: 'lost' })];
    const a = await server.delegate(peer);
    const b = await server.delegate(peer, { timeout_seconds: 2 });
    const c = await server.delegate(lost);
    // Started out of turn, so that its clock runs: the first job occupies the pane.
    await reporter.report(b.job_id, 'started');
    const waits = [a, b, c].map(({ job_id }) => server.wait({ job_id }));
    await pause(100);
    await lab.killHub();
    // Nobody watched while this happened.
    process.kill(lost.pid, 'SIGKILL');
    await nextHub(lab);
    const told = await reporter.report(a.job_id, 'progress', { detail: 'still here' });
    expect(told).toMatchObject({ accepted: true, recorded: true, status: 'working' });
    await reporter.report(a.job_id, 'completed', { detail: 'done' });
    const [first, second, third] = await Promise.all(waits.map(({ answer }) => answer));
    expect(first.jobs[0]).toMatchObject({ status: 'completed', detail: 'done' });
    expect(second.jobs[0]).toMatchObject({ status: 'failed', reason: 'timeout' });
    expect(third.jobs[0]).toMatchObject({ status: 'failed', reason: 'session_lost' });
    const { submitted_at, final_at } = lab.record(b.job_id);
    expect(Date.parse(final_at ?? '') - Date.parse(submitted_at ?? '')).toBeGreaterThanOrEqual(2_000);
  });

  test('while it validates: the script runs again, and its verdict counts', async ({ lab, server }) => {
    const script = 'echo $$ >> pids\nuntil [ -e go ]; do sleep 0.02; done\necho checked\n';
    const validate = lab.write('check.sh', script);
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer, { validate });
    const wait = server.wait({ job_id });
    await reporter.report(job_id, 'completed', { detail: 'done' });
    const runs = () =>
      existsSync(`${lab.project}/pids`)
        ? readFileSync(`${lab.project}/pids`, 'utf8').split('\n').filter(Boolean)
        : [];
    await until('the script runs', () => runs().length === 1);
    await lab.killHub();
    await until('the script runs again', () => runs().length === 2);
    expect(wait.at).toBeUndefined();
    lab.write('go', '');
    expect((await wait.answer).jobs[0]).toMatchObject({ status: 'completed', detail: 'done' });
    expect(lab.record(job_id).validation).toMatchObject({ passed: true, rounds: 1 });
    await until('both runs are over', () => !runs().some((pid) => isRunning(Number(pid))));
  });

  test('between paste and Enter, text in the box: one Enter, no second paste', async ({ lab, server }) => {
    const peer = await lab.startPeer('slow');
    const jobId = await killedAfterPaste(lab, peer);
    await until('the text is shown', async () => (await lab.screen(peer)).includes(jobId));
    const answer = await server.ask('wait_job', { job_id: jobId });
    expect(answer.jobs[0].status).toBe('completed');
    expect(peer.bytes.toString()).toBe(`\x1b[200~${lab.orderOf(jobId)}\x1b[201~\r`);
    expect(dataOf(lab.events(jobId).find(({ type }) => type === 'submitted') ?? {}).evidence).toContain(
      'found in the input box after a restart',
    );
  });

  test('between paste and Enter, text not visible: unverified, not one key', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--echo', '100000'] });
    const jobId = await killedAfterPaste(lab, peer);
    const answer = await server.ask('wait_job', { job_id: jobId });
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'input_required', reason: 'delivery_unverified' }],
    });
    await pause(1_300);
    expect(peer.bytes.toString()).toBe(`\x1b[200~${lab.orderOf(jobId)}\x1b[201~`);
    const reporter = await lab.reporter;
    await reporter.report(jobId, 'completed', { detail: 'had it all the time' });
    expect(lab.record(jobId).status).toBe('completed');
  });

  test('while Enter is swallowed: the next presses it, the text is pasted once', async ({ lab, server }) => {
    const peer = await lab.startPeer('swallows');
    await server.ask('list_jobs');
    const before = lab.jobIds();
    const delegated = server.delegate(peer).catch((error: Error) => error);
    await peer.gets(1, 1);
    await lab.killHub();
    await delegated;
    await peer.reported('completed');
    const [jobId = '', ...others] = lab.jobIds().filter((id) => !before.includes(id));
    expect(others).toEqual([]);
    expect((await server.ask('wait_job', { job_id: jobId })).jobs[0].status).toBe('completed');
    expect(peer.pastes).toEqual([lab.orderOf(jobId)]);
  });

  test('while delegate_job is under way: the call is answered, there is one job', async ({ lab, server }) => {
    const peer = await lab.startPeer('slow');
    await server.ask('list_jobs');
    const before = lab.jobIds();
    const delegated = server.delegate(peer);
    await until('the paste has arrived', () => peer.pastes.length === 1);
    await lab.killHub();
    const { job_id } = await delegated;
    expect(lab.jobIds().filter((id) => !before.includes(id))).toEqual([job_id]);
    expect((await server.ask('wait_job', { job_id })).outcome).toMatch(/final|needs_attention/);
    await pause(300);
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
  });

  test('and nobody starts another: events are kept, and recorded by the next', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const { job_id } = await server.delegate(peer);
    await lab.killHub();
    const done = await lab.mam('publish', '--job', job_id, '--event', 'completed', '--detail', 'done');
    expect(done).toMatchObject({ code: 0 });
    expect((await server.ask('wait_job', { job_id })).jobs[0]).toMatchObject({
      status: 'completed',
      detail: 'done',
    });
    expect(lab.types(job_id).filter((type) => type === 'completed')).toHaveLength(1);
  });

  test('leaves nothing in tmux: its hidden session ends by itself', async ({ lab, server, peer }) => {
    const { job_id } = await server.delegate(peer);
    const names = async () => (await lab.tmux('list-sessions', '-F', '#{session_name}')).split('\n');
    await lab.killHub();
    await until('the session is gone', async () => (await names()).every((name) => lab.sessions.has(name)));
    expect(await names()).toContain(peer.session);
    // The next hub cleans up the files of the dead one.
    await server.ask('job_status', { job_id });
  });
});

describe('the hub is stopped properly', () => {
  test('its open jobs stay as they are, and the next one continues them', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const a = await server.delegate(peer);
    const b = await server.delegate(peer);
    const before = [a, b].map(({ job_id }) => lab.types(job_id));
    expect(await lab.mam('hub', 'stop')).toMatchObject({ code: 0, stdout: 'The hub has ended.\n' });
    // Its own end must not look like a loss of the pane.
    expect([a, b].map(({ job_id }) => lab.types(job_id))).toEqual(before);
    expect(lab.record(a.job_id).status).toBe('working');
    await reporter.report(a.job_id, 'completed');
    await lab.event(b.job_id, 'submitted');
    await reporter.report(b.job_id, 'completed');
    expect((await server.ask('wait_job', { job_id: b.job_id })).jobs[0].status).toBe('completed');
    expect(peer.pastes).toHaveLength(2);
  });
});
