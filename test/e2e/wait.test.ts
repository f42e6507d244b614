import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';
import { PATIENCE, pause } from '../support/until.ts';

/** A due answer must arrive within this time, even on a busy machine; in ms. */
const SOON_MS = 1_000 * PATIENCE;

/** The same with a supervisor whose open jobs and messages are the test's own. */
const ownServers = async (lab: Lab): Promise<[LabServer, LabServer]> => [
  await lab.startServer(),
  await lab.reporter,
];
let jobless: Promise<LabServer> | undefined;
/** A supervisor that has no job. */
function stranger(lab: Lab): Promise<LabServer> {
  jobless ??= lab.startServer();
  return jobless;
}

/** Each job of an answer with its status. */
const states = ({ jobs }: { jobs: { job_id: string; status: string }[] }) =>
  Object.fromEntries(jobs.map(({ job_id, status }) => [job_id, status]));

/** A job for which nothing is typed: a waiter does not need its pane. */
const order = (server: LabServer) => server.ask('delegate_job', { prompt: 'the roof', agent: 'human' });

describe.concurrent('wait_job', () => {
  sharing('answers at once without a cursor, with one to what is new', async ({ server, reporter, peer }) => {
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'question', { detail: 'Slate or tin?' });
    const level = await server.ask('wait_job', { job_id });
    expect(level.outcome).toBe('needs_attention');
    // Without a cursor it is reported again and again; with the cursor it is old news.
    expect((await server.ask('wait_job', { job_id })).outcome).toBe('needs_attention');
    const edge = server.wait({ job_id, cursor: level.cursor });
    await pause(200);
    expect(edge.at).toBeUndefined();
    await reporter.report(job_id, 'question', { detail: 'And the gutter?' });
    expect(await edge.answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ open_request: 'And the gutter?' }],
      events: [{ type: 'question', detail: 'And the gutter?' }],
    });
  });

  sharing('that times out answers still_running; its cursor misses nothing', async ({ server, reporter }) => {
    const { job_id } = await order(server);
    await reporter.report(job_id, 'started');
    const since = Date.now();
    const first = await server.ask('wait_job', { job_id, timeout_seconds: 0.5 });
    expect(first).toMatchObject({ outcome: 'still_running', jobs: [{ status: 'working' }] });
    expect(Date.now() - since).toBeGreaterThanOrEqual(450);
    expect(Date.now() - since).toBeLessThan(500 + SOON_MS);
    expect(first.next).toContain(first.cursor);
    // While nobody waits:
    await reporter.report(job_id, 'progress', { detail: 'half' });
    await reporter.report(job_id, 'question', { detail: 'Slate or tin?' });
    await reporter.report(job_id, 'completed', { detail: 'done' });
    const second = await server.ask('wait_job', { job_id, cursor: first.cursor });
    expect(second).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
    expect(second.events.map(({ detail }: { detail: string }) => detail)).toEqual([
      'half',
      'Slate or tin?',
      'done',
    ]);
  });

  sharing('names every job that asks, even one of an earlier answer, and how to answer', async ({ lab }) => {
    const [server, reporter] = await ownServers(lab);
    const ids: string[] = [];
    for (let i = 0; i < 2; i++) ids.push((await server.delegate(await lab.startPeer('mute'))).job_id);
    const [one = '', two = ''] = ids;
    await reporter.report(one, 'question', { detail: 'Slate or tin?' });
    await reporter.report(two, 'permission_required', { detail: 'rm the old roof' });
    const answer = `Answer: Call answer_job with {"job_id":"${one}","text":"YOUR ANSWER"}.`;
    const decide = `Decide: Call answer_job with {"job_id":"${two}","decision":"allow"`;
    const both = await server.ask('wait_job', { job_ids: ids });
    expect(both.summary).toBe(
      `2 jobs need attention: ${one} is input_required (question), ${two} is input_required (permission).`,
    );
    expect(both.next).toContain(answer);
    expect(both.next).toContain(decide);
    expect((await server.ask('job_status', { job_id: one })).next).toContain(answer);
    await server.ask('answer_job', { job_id: one, text: 'Tin.' });
    const later = await server.ask('wait_job', { job_ids: ids, cursor: both.cursor, timeout_seconds: 0.2 });
    expect(later.outcome).toBe('still_running');
    expect(later.next).toContain(decide);
    expect(later.next).not.toContain(answer);
    await reporter.report(one, 'error', { detail: 'no tin' });
    const failed = await server.ask('wait_job', { job_ids: [one] });
    expect(failed.next).toContain(`Call job_logs with {"job_id":"${one}","include":["events","screen"]}`);
    await server.ask('cancel_job', { job_id: two });
    const nothing = await server.ask('wait_job');
    expect(nothing).toMatchObject({ summary: 'You have no open job in this session.', jobs: [] });
    expect(nothing.next).toContain('Call list_jobs');
  });

  sharing('of several jobs: any returns with the first, all with the last or attention', async ({ lab }) => {
    const peers = [await lab.startPeer('mute'), await lab.startPeer('mute'), await lab.startPeer('mute')];
    const [server, reporter] = await ownServers(lab);
    const ids: string[] = [];
    for (const peer of peers) ids.push((await server.delegate(peer)).job_id);
    const [a, b, c] = ids as [string, string, string];
    const any = server.wait({ job_ids: ids });
    const all = server.wait({ job_ids: ids, until: 'all' });
    // Without ids: the caller's own open jobs, and nobody else's.
    const own = server.wait();
    const other = await stranger(lab);
    expect(await other.ask('wait_job')).toMatchObject({ jobs: [] });
    await reporter.report(b, 'completed');
    const first = await any.answer;
    expect(first.outcome).toBe('final');
    expect(states(first)).toEqual({ [a]: 'working', [b]: 'completed', [c]: 'working' });
    expect((await own.answer).outcome).toBe('final');
    await pause(200);
    expect(all.at).toBeUndefined();

    await reporter.report(c, 'question', { detail: 'tin?' });
    const attention = await all.answer;
    expect(attention.outcome).toBe('needs_attention');
    const rest = server.wait({ job_ids: ids, until: 'all', cursor: attention.cursor });
    await reporter.report(c, 'completed');
    await pause(200);
    expect(rest.at).toBeUndefined();
    await reporter.report(a, 'error');
    const last = await rest.answer;
    expect(last.outcome).toBe('final');
    expect(states(last)).toEqual({ [a]: 'failed', [b]: 'completed', [c]: 'completed' });
    expect(await server.ask('wait_job')).toMatchObject({ jobs: [] });
  });

  sharing('without ids misses no job that ended while nobody waited', async ({ lab }) => {
    const [server, reporter] = await ownServers(lab);
    const [{ job_id: a }, { job_id: b }] = [await order(server), await order(server)];
    const { cursor } = await server.ask('wait_job', { timeout_seconds: 0 });
    await reporter.report(a, 'completed', { result: 'slate' });
    const first = await server.ask('wait_job', { cursor });
    expect(first).toMatchObject({ outcome: 'final', events: [{ type: 'completed' }] });
    expect(states(first)).toEqual({ [a]: 'completed', [b]: 'working' });
    // Nothing is reported twice.
    const still = await server.ask('wait_job', { cursor: first.cursor, timeout_seconds: 0.2 });
    expect(states(still)).toEqual({ [b]: 'working' });
    await reporter.report(b, 'completed', { result: 'tin' });
    const last = await server.ask('wait_job', { cursor: still.cursor });
    expect(last).toMatchObject({ outcome: 'final', jobs: [{ job_id: b, result: 'tin' }] });
    const other = await stranger(lab);
    expect(await other.ask('wait_job', { cursor })).toMatchObject({ jobs: [] });
    expect(await server.ask('wait_job', { cursor: last.cursor })).toMatchObject({ jobs: [] });
  });

  sharing('a wait right after another loses nothing', async ({ server, reporter }) => {
    const { job_id } = await order(server);
    let { cursor } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    for (let round = 0; round < 15; round++) {
      // The end of the first and the start of the second reach the hub together.
      const one = server.wait({ job_id, cursor });
      const two = server.wait({ job_id, cursor });
      await reporter.report(job_id, 'question', { detail: `question ${round}` });
      expect((await one.answer).outcome).toBe('needs_attention');
      ({ cursor } = await two.answer);
    }
  });

  sharing('that its client gives up leaves the job alone, unanswered', async ({ lab, server, reporter }) => {
    const { job_id } = await order(server);
    const given = server.wait({ job_id });
    const kept = server.wait({ job_id });
    await pause(100);
    given.cancel();
    await reporter.report(job_id, 'started');
    await pause(200);
    expect(lab.record(job_id).status).toBe('working');
    expect(lab.types(job_id)).not.toContain('cancelled');
    await reporter.report(job_id, 'completed');
    expect((await kept.answer).outcome).toBe('final');
    expect(given.at).toBeUndefined();
  });

  sharing('fifty at once in one server are all answered', async ({ server, reporter }) => {
    const a = (await order(server)).job_id;
    const b = (await order(server)).job_id;
    const waits = Array.from({ length: 50 }, (_, i) => server.wait({ job_id: i % 2 === 0 ? a : b }));
    // The server still answers others meanwhile.
    expect((await server.ask('job_status', { job_id: a })).status).toBe('working');
    await reporter.report(a, 'completed');
    const firsts = await Promise.all(waits.filter((_, i) => i % 2 === 0).map(({ answer }) => answer));
    expect(firsts.every(({ outcome, jobs }) => outcome === 'final' && jobs[0].job_id === a)).toBe(true);
    expect(waits.filter(({ at }) => at !== undefined)).toHaveLength(25);
    await reporter.report(b, 'completed');
    await Promise.all(waits.map(({ answer }) => answer));
  });

  sharing('says how many events did not fit', async ({ lab, server, reporter }) => {
    const { job_id } = await order(server);
    const { cursor, events_left_out } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    expect(events_left_out).toBeUndefined();
    for (let i = 0; i < 20; i++)
      await reporter.report(job_id, 'progress', { detail: `${i} ${'x'.repeat(600)}` });
    await reporter.report(job_id, 'completed');
    const last = lab.events(job_id).filter(({ seq }) => seq > Number(cursor.split(':')[1]));
    const end = await server.ask('wait_job', { job_id, cursor });
    expect(end.events.at(-1).type).toBe('completed');
    expect(end.events.length).toBeLessThan(20);
    expect(end.events_left_out).toBe(last.length - end.events.length);
  });

  test('for an unknown job, or with a foreign cursor, is refused', async ({ server }) => {
    expect((await server.ask('list_jobs')).next).toContain('Delegate the first one: Call delegate_job');
    expect(await server.refusal('wait_job', { job_id: 'roof-aaaaaaaa' })).toContain('no job with this id');
    const { job_id } = await server.ask('delegate_job', { prompt: 'the roof', agent: 'human' });
    const among = (id: string) => server.refusal('wait_job', { job_ids: [job_id, id] });
    expect(await among('roof-aaaaaaaa')).toContain('no job with this id: roof-aaaaaaaa.');
    expect(await among('../etc')).toContain('no job with this id: number 2 of the ids given.');
    expect(await server.refusal('wait_job', { job_id: 'roof-aaaaaaaa', cursor: 'x y' })).toContain('cursor');
    expect(await server.refusal('wait_job', { cursor: 'x y' })).toContain('The cursor is not one of ours');
    expect(await server.refusal('job_status', { job_id: '../../etc' })).toContain('no job with this id');
  });

  sharing('ends before the client would give up', async ({ lab }) => {
    const server = await lab.startServer({ MAM_TOOL_TIMEOUT_SECONDS: '1' });
    const { job_id } = await order(server);
    const since = Date.now();
    expect((await server.ask('wait_job', { job_id, timeout_seconds: 60 })).outcome).toBe('still_running');
    expect(Date.now() - since).toBeLessThan(1_000 + SOON_MS);
  });

  sharing('with a limit longer than a timer can count does not end immediately', async ({ lab }) => {
    // A client's own setting of 86,400,000 ms, mistaken for seconds.
    const server = await lab.startServer({ MAM_TOOL_TIMEOUT_SECONDS: '86400000' });
    const { job_id } = await order(server);
    const wait = server.wait({ job_id, timeout_seconds: 1e300 });
    const command = lab.start(['wait', job_id, '--timeout', '86400000']);
    await (await lab.reporter).report(job_id, 'started');
    await pause(300);
    expect(wait.at).toBeUndefined();
    expect(server.stderr).toBe('');
    await (await lab.reporter).report(job_id, 'completed');
    expect((await wait.answer).outcome).toBe('final');
    expect(await command.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Overflow') });
  });

  sharing('reports progress meanwhile, if the client asks for it', async ({ lab }) => {
    const [server, reporter] = await ownServers(lab);
    const { job_id } = await order(server);
    const { cursor } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    const watched = server.wait({ job_id, cursor }, { progressToken: 'w' });
    const silent = server.wait({ job_id, cursor });
    await reporter.report(job_id, 'progress', { detail: 'ridge is up' });
    const notices = () => server.messages.filter(({ method }) => method === 'notifications/progress');
    await server.until(() => (JSON.stringify(notices()).includes('ridge is up') ? true : undefined));
    await reporter.report(job_id, 'completed');
    await Promise.all([watched.answer, silent.answer]);
    const after = server.messages.findIndex(({ id }) => id === 'wait-1');
    const last = server.messages.findLastIndex(({ method }) => method === 'notifications/progress');
    expect(last).toBeLessThan(after);
    for (const [index, { params }] of notices().entries()) {
      expect(params).toMatchObject({ progressToken: 'w', progress: index + 1 });
      expect(params?.['message']).toMatch(/^Waiting for job [a-z0-9-]+, \d+ s/);
    }
  });

  sharing('for all open jobs reports how many there are, and what happened last', async ({ lab }) => {
    const [server, reporter] = await ownServers(lab);
    const { job_id } = await order(server);
    await order(server);
    const wait = server.wait({ until: 'all' }, { progressToken: 'w' });
    const notices = () =>
      JSON.stringify(server.messages.filter(({ method }) => method?.includes('progress')));
    // A wait may begin after a report: one of these comes later.
    for (let i = 0; i < 20 && !notices().includes('ridge'); i++) {
      await reporter.report(job_id, 'progress', { detail: `ridge ${i}` });
      await pause(100);
    }
    expect(notices()).toMatch(
      new RegExp(`Waiting for your 2 open jobs, \\d+ s; ${job_id} is working, last event progress: ridge`),
    );
    wait.cancel();
  });

  sharing('of one server continues when another dies during its own', async ({ lab, server, reporter }) => {
    const dying = await lab.startServer();
    const { job_id } = await order(dying);
    dying.wait({ job_id });
    const wait = server.wait({ job_id });
    await server.ask('job_status', { job_id });
    dying.child.kill('SIGKILL');
    await dying.exited;
    await reporter.report(job_id, 'progress', { detail: 'on the ridge' });
    expect(lab.record(job_id).status).toBe('working');
    expect(wait.at).toBeUndefined();
    await reporter.report(job_id, 'completed');
    expect((await wait.answer).jobs).toMatchObject([{ job_id, status: 'completed' }]);
    // The next server of the one that died finds the job by its id.
    const again = await lab.startServer();
    expect((await again.ask('wait_job', { job_id })).outcome).toBe('final');
  });

  sharing('a burst of events is one answer, with the latest', async ({ lab }) => {
    const [server, reporter] = await ownServers(lab);
    const { job_id } = await order(server);
    // From here on, even if the reporter is faster than this server.
    const { cursor } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    const wait = server.wait({ job_id, cursor });
    const reports = Array.from({ length: 60 }, (_, i) =>
      reporter.report(job_id, 'progress', { detail: `tile ${i}` }),
    );
    await Promise.all([...reports, reporter.report(job_id, 'completed', { detail: 'done' })]);
    const answer = await wait.answer;
    expect(answer.outcome).toBe('final');
    expect(answer.events.length).toBeLessThanOrEqual(50);
    expect(answer.events.at(-1)).toMatchObject({ type: 'completed', detail: 'done' });
    expect(server.messages.filter(({ id }) => id === 'wait-1')).toHaveLength(1);
  });
});
