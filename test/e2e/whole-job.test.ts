import { existsSync, readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { sharing, test } from '../support/lab-test.ts';
import { PATIENCE, until } from '../support/until.ts';

describe('a job from end to end', () => {
  sharing.for(['good', 'good-mcp'] as const)('with a peer that is %s', async (kind, { lab, server }) => {
    const peer = await lab.startPeer(kind);
    const job = await server.delegate(peer, { prompt: 'Mend the roof, then the gutter' });
    expect(job).toMatchObject({ status: 'working', position: 0, behind: [], repeated: false, warnings: [] });
    expect(job.job_id).toMatch(/^[a-z0-9]{8}-mend-the-roof-then$/);
    expect(JSON.stringify(job)).toContain(`"${peer.pane}"`);

    const answer = await server.ask('wait_job', { job_id: job.job_id });
    expect(answer).toMatchObject({
      outcome: 'final',
      jobs: [{ job_id: job.job_id, status: 'completed', detail: 'done', late: false }],
    });
    expect(lab.types(job.job_id)).toEqual([
      ...['queued', 'pasting', 'visible', 'submitted'],
      ...['started', 'completed'],
    ]);
    const record = lab.record(job.job_id);
    expect(record).toMatchObject({
      status: 'completed',
      detail: 'done',
      requests: [],
      attention: [],
      agent_session: { socket: lab.socket, session: peer.session, pane: peer.pane },
      workdir: lab.project,
    });
    expect(record.delivery.map(({ stage }) => stage)).toEqual([
      ...['queued', 'pasting', 'visible', 'submitted', 'started'],
    ]);

    // The pane got the order once, one Enter, and nothing else.
    expect(peer.pastes).toEqual([lab.orderOf(job.job_id)]);
    expect(peer.keys).toBe('\r');
    const [started, completed] = [await peer.reported('started'), await peer.reported('completed')];
    expect(JSON.parse(started.stdout)).toMatchObject({
      accepted: true,
      recorded: true,
      task: 'Mend the roof, then the gutter',
      workdir: lab.project,
    });
    expect(JSON.parse(completed.stdout)).toMatchObject({ accepted: true, status: 'completed' });
    // The record on disk is what the journal folds to.
    const { record: file } = lab.paths(job.job_id);
    await until('job.json is up to date', () => JSON.parse(readFileSync(file, 'utf8')).seq === record.seq);
    const { mac, ...written } = JSON.parse(readFileSync(file, 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(record)));
    expect(mac).toMatch(/^[\w-]{22}$/);
    await until('the screen is kept', () => existsSync(`${lab.paths(job.job_id).folder}/screen.txt`));
  });

  sharing('the receipt and the record are the same for every interface', async ({ lab }) => {
    const peer = await lab.startPeer('good');
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    await server.ask('wait_job', { job_id });
    const status = await server.ask('job_status', { job_id, events_after: 0 });
    const record = lab.record(job_id);
    expect(status).toMatchObject({ status: record.status, seq: record.seq, delivery: record.delivery });
    expect(status.events.map(({ type }: { type: string }) => type)).toEqual(lab.types(job_id));
    const told = await lab.mam('status', '--job', job_id, '--json');
    expect(told.code).toBe(0);
    // The next step is a tool call there, and a command here.
    expect({ ...JSON.parse(told.stdout), next: '' }).toEqual({ ...status, next: '' });
    const listed = await server.ask('list_jobs', { mine: true });
    expect(listed.jobs).toMatchObject([{ job_id, status: 'completed' }]);
    expect((await lab.mam('wait', '--job', job_id)).code).toBe(0);
  });

  sharing('the wait is answered right after the last event', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer);
    const wait = server.wait({ job_id });
    await reporter.report(job_id, 'started');
    await reporter.report(job_id, 'progress', { detail: 'half' });
    expect(wait.at).toBeUndefined();
    await reporter.report(job_id, 'completed', { detail: 'done', result: 'tight', files: ['roof.ts'] });
    const answer = await wait.answer;
    expect(answer.jobs[0]).toMatchObject({ detail: 'done', result: 'tight', files: ['roof.ts'] });
    const { recorded_at } = await lab.event(job_id, 'completed');
    expect((wait.at ?? 0) - Date.parse(recorded_at)).toBeLessThan(1_000 * PATIENCE);
  });

  test('the hub ends by itself when nobody needs it any more', async ({ lab, server }) => {
    const peer = await lab.startPeer('good');
    const { job_id } = await server.delegate(peer);
    await server.ask('wait_job', { job_id });
    await lab.hubPid();
    await server.close();
    await until('the hub is gone', () => !existsSync(`${lab.home}/hub.json`));
    expect(readFileSync(`${lab.home}/hub.log`, 'utf8')).toContain('nobody needs it');
    expect(existsSync(`${lab.home}/hub.sock`)).toBe(false);
    expect(await lab.tmux('list-sessions', '-F', '#{session_name}')).toBe('good');
  });
});

describe('unusual reports', () => {
  sharing('completed twice: the first counts; the second, late, changes nothing', async ({ lab, server }) => {
    const peer = await lab.startPeer('twice');
    const { job_id } = await server.delegate(peer);
    await until('both reports are made', () => peer.reports.length === 3);
    expect(lab.types(job_id).slice(-3)).toEqual(['started', 'completed', 'completed']);
    expect(lab.events(job_id).at(-1)).toMatchObject({ detail: 'second', late: true });
    expect(lab.record(job_id)).toMatchObject({ status: 'completed', detail: 'first', late: false });
    const second = peer.reports[2];
    expect(second?.code).toBe(0);
    expect(JSON.parse(second?.stdout ?? '')).toMatchObject({
      accepted: false,
      recorded: true,
      status: 'completed',
    });
  });

  sharing('progress and completed before started: accepted; started gets a stop', async ({ lab, server }) => {
    const peer = await lab.startPeer('early');
    const { job_id } = await server.delegate(peer);
    await until('all reports are made', () => peer.reports.length === 3);
    expect(lab.types(job_id).slice(-3)).toEqual(['progress', 'completed', 'started']);
    expect(lab.record(job_id)).toMatchObject({ status: 'completed', detail: 'done' });
    const started = JSON.parse(peer.reports[2]?.stdout ?? '');
    expect(started).toMatchObject({
      accepted: false,
      next: expect.stringMatching(/^Stop: This job has been completed since/),
    });
    expect(started.task).toBeUndefined();
  });

  sharing('started twice: the same task again, no change', async ({ lab, server, reporter, peer }) => {
    const { job_id } = await server.delegate(peer);
    const first = await reporter.report(job_id, 'started');
    const { started_at, status } = lab.record(job_id);
    const second = await reporter.report(job_id, 'started');
    expect(second.task).toBe(first.task);
    expect(lab.record(job_id)).toMatchObject({ started_at, status });
  });

  sharing('the same call twice is one event; equal texts in two calls are two', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer);
    const report = (id: string) =>
      reporter.ask(
        'publish_event',
        { job_id, event: 'progress', detail: 'x' },
        { 'claudecode/toolUseId': id },
      );
    const [one, again, other] = [await report('a'), await report('a'), await report('b')];
    expect(again.seq).toBe(one.seq);
    expect(other.seq).toBe(one.seq + 1);
    expect(lab.types(job_id).filter((type) => type === 'progress')).toHaveLength(2);
  });

  sharing.for(['cli', 'mcp'])(
    "another job's id from a pane (%s) is refused and the right one named",
    async (by, { lab, server }) => {
      const holder = await lab.startPeer('mute');
      const other = await server.delegate(holder);
      const args = ['--report', 'started,completed', '--job', other.job_id, '--by', by];
      const peer = await lab.startPeer('good', { args });
      const { job_id } = await server.delegate(peer);
      await until('both reports are made', () => peer.reports.length === 2);
      for (const { code, stdout, stderr } of peer.reports) {
        expect(code).toBe(1);
        expect(stdout + stderr).toContain(`The job of your pane is ${job_id}`);
      }
      expect(lab.types(other.job_id)).not.toContain('started');
      expect(lab.record(other.job_id).status).toBe('working');
      expect(lab.record(job_id).status).toBe('working');
    },
  );

  test('an unknown id from a pane: the right one is named; from nowhere: the open ones', async ({ lab }) => {
    const peer = await lab.startPeer('good', { args: ['--job', 'roof-aaaaaaaa'] });
    const [server, reporter] = [await lab.startServer(), await lab.startPeerServer()];
    const { job_id } = await server.delegate(peer);
    const { stdout } = await peer.reported('completed');
    expect(JSON.parse(stdout)).toMatchObject({ accepted: false, recorded: false });
    expect(stdout).toContain(`report with job_id \\"${job_id}\\"`);
    const text = await reporter.refusal('publish_event', { job_id: 'roof-aaaaaaaa', event: 'completed' });
    expect(text).toContain(`Open jobs: ${job_id}`);
    expect(lab.record(job_id).status).toBe('working');
  });

  sharing('a question wakes the waiter; the next report of the peer ends it', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'started');
    const wait = server.wait({ job_id });
    await reporter.report(job_id, 'question', { detail: 'Slate or tin?' });
    const answer = await wait.answer;
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'input_required', reason: 'question', open_request: 'Slate or tin?' }],
    });
    const next = server.wait({ job_id, cursor: answer.cursor });
    await reporter.report(job_id, 'progress', { detail: 'tin it is' });
    expect(lab.record(job_id)).toMatchObject({ status: 'working', attention: [] });
    expect(next.at).toBeUndefined();
    await reporter.report(job_id, 'error', { detail: 'no tin' });
    expect(await next.answer).toMatchObject({
      outcome: 'final',
      jobs: [{ status: 'failed', reason: 'agent_error', detail: 'no tin' }],
    });
  });
});
