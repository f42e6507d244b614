import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { pause, until } from '../support/until.ts';

/** Longer than a pending line takes: collecting, and looking twice. */
const WAKE_MS = 4_000;
/** Longer than a new hub takes to start and to type what no wait has claimed. */
const HUB_MS = 10_000;
/** Longer than a line takes that was held back by a wait until it ended. */
const RELEASE_MS = 20_000;

/** Several can be in one lab: each is its own agent kind. */
const NAMES = Array.from({ length: 20 }, (_, n) => `boss-${n}`);
const agents = Object.fromEntries(
  NAMES.map((name) => [name, { session: `tmux:${name}`, ready: 'READY> *$' }]),
);

/** A supervisor with its own MCP server in its pane, whose model is the test; and this many jobs. */
async function startBoss(lab: Lab, count = 0, args: string[] = []) {
  if (!existsSync(join(lab.home, 'config.json'))) lab.configure({ agents });
  lab.expected.push(/^boss-\d+\.sock$/);
  const session = NAMES.pop() ?? '';
  const socket = join(lab.folder, `${session}.sock`);
  const boss = await lab.startPeer('mute', { session, args: ['--mcp', socket, ...args] });
  const own = await lab.startServerIn(socket);
  const ids: string[] = [];
  // Notifications do not depend on who has the job: a person's job needs no pane.
  while (ids.length < count) {
    const job = { prompt: 'roof', agent: 'human', notify: 'pane' };
    ids.push((await own.ask('delegate_job', job)).job_id);
  }
  return { boss, own, ids, peer: await lab.reporter };
}

const how = (lab: Lab, jobId: string): unknown[] =>
  lab.events(jobId).flatMap((event) => (event.type === 'notified' ? [dataOf(event).how] : []));

/** Waits until a line about a job was typed and submitted. */
const typed = (lab: Lab, jobId: string) =>
  until(`${jobId} is told`, () => how(lab, jobId).includes('typed'), RELEASE_MS);

/** Waits for what must not happen. */
async function noLine(boss: Peer, lines = 0, ms = WAKE_MS): Promise<void> {
  await pause(ms);
  expect(boss.pastes).toHaveLength(lines);
}

describe.concurrent('a supervisor whose MCP server runs in its pane', () => {
  sharing('gets one line per change, and none about what it has already seen', async ({ lab }) => {
    const { boss, own, peer } = await startBoss(lab);
    const { job_id: id, next } = await own.delegate(await lab.startPeer('mute'), { notify: 'pane' });
    expect(next).toBe(
      `You may end your turn: a line in your pane notifies you when the job ends or needs you. Or wait: Call wait_job with {"job_id":"${id}"}.`,
    );
    const { notify, supervisor } = lab.record(id);
    expect(notify).toMatchObject({ pane: boss.pane, socket: lab.socket, agent: boss.session });
    expect(notify?.process.pid).toBe(boss.pid);
    // Fields that only the hub needs are in no answer.
    const shown = JSON.parse((await lab.mam('status', id, '--json')).stdout);
    expect(shown.notify).toEqual({ pane: boss.pane, agent: boss.session });
    expect(supervisor).toMatchObject({ client: 'lab', pane: boss.pane });

    await peer.report(id, 'question', { detail: 'Slate?' });
    await typed(lab, id);
    expect(boss.pastes).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Job ${id} needs you \\(question\\): call the MCP tool job_status \\(server mam\\) with job_id "${id}"\\. \\(note \\w+\\)$`,
        ),
      ),
    ]);
    expect(await own.ask('job_status', { job_id: id })).toMatchObject({ reason: 'question' });
    await own.ask('answer_job', { job_id: id, text: 'Slate.' });
    await peer.report(id, 'progress');
    // The same state once more is a separate change.
    await peer.report(id, 'question', { detail: 'Blue?' });
    await boss.gets(2, 2);
    await until('both lines are told', () => how(lab, id).filter((one) => one === 'typed').length === 2);
    await peer.report(id, 'completed');
    expect(await own.ask('job_status', { job_id: id })).toMatchObject({ status: 'completed' });
    await noLine(boss, 2);
    expect(how(lab, id)).toEqual(['typing', 'typed', 'typing', 'typed', 'seen']);
  });

  sharing('is left alone while its own wait is pending, until the answer', async ({ lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 2);
    const [first = '', second = ''] = ids;
    const wait = own.wait({ job_ids: ids, until: 'all' });
    await peer.report(first, 'completed');
    await noLine(boss);
    // It was not notified yet: nobody knows whether the answer will arrive.
    expect(how(lab, first)).toEqual([]);
    await peer.report(second, 'completed');
    expect(await wait.answer).toMatchObject({ outcome: 'final', jobs: [{}, {}] });
    for (const id of ids) await until(`${id} is seen`, () => how(lab, id).includes('seen'));
    expect(ids.map((id) => how(lab, id))).toEqual([['seen'], ['seen']]);
    expect(boss.pastes).toEqual([]);
  });

  sharing('is notified when its wait was cancelled, and not when it timed out', async ({ lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 3);
    const [first = '', second = '', third = ''] = ids;
    const wait = own.wait({ job_ids: ids, until: 'all' });
    await peer.report(first, 'completed');
    await peer.report(second, 'completed');
    const some = { job_ids: [first, third], until: 'all', timeout_seconds: 1 };
    const { outcome, jobs } = await own.wait(some).answer;
    expect(outcome).toBe('still_running');
    expect(jobs).toContainEqual(expect.objectContaining({ job_id: first, status: 'completed' }));
    await noLine(boss);
    wait.cancel();
    await typed(lab, second);
    expect(boss.pastes).toEqual([expect.stringContaining(`Job ${second} is completed: call`)]);
    expect(how(lab, first)).toEqual(['seen']);
  });

  sharing('is notified when its server was killed in the middle of a wait', async ({ lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 2);
    const [first = ''] = ids;
    own.wait({ job_ids: ids, until: 'all' });
    await peer.report(first, 'completed');
    await noLine(boss);
    // Its announcement stays, as after every kill.
    lab.expected.push(/^h\/servers\/\d+\.json$/);
    const [server = 0] = boss.children;
    process.kill(server, 'SIGKILL');
    await typed(lab, first);
    expect(boss.pastes).toHaveLength(1);
  });

  sharing('is notified of what was only read as a resource, not of what it cancelled', async ({ lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 2);
    const [first = '', second = ''] = ids;
    await own.ask('cancel_job', { job_id: second });
    await lab.tmux('copy-mode', '-t', boss.pane);
    await peer.report(first, 'completed');
    const { result } = await own.request('resources/read', { uri: `mam://jobs/${first}` });
    expect(JSON.parse(result.contents[0].text)).toMatchObject({ status: 'completed' });
    await lab.tmux('send-keys', '-X', '-t', boss.pane, 'cancel');
    await typed(lab, first);
    expect(boss.pastes).toEqual([expect.stringContaining(`Job ${first} is completed: call`)]);
    expect(how(lab, second)).toEqual(['seen']);
  });
});

// After the others, one by one: they end the shared hub.
describe('a supervisor whose MCP server runs in its pane', () => {
  sharing('is left alone by the next hub too, while its wait continues', async ({ lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 2);
    const [first = '', second = ''] = ids;
    const wait = own.wait({ job_ids: ids, until: 'all' });
    await peer.report(first, 'completed');
    await lab.killHub();
    await noLine(boss, 0, HUB_MS);
    await peer.report(second, 'completed');
    expect(await wait.answer).toMatchObject({ outcome: 'final' });
    await until('it is seen', () => how(lab, first).includes('seen'));
    expect(boss.pastes).toEqual([]);
  });

  sharing.for([
    { what: 'is sent by the next one', more: '', keys: '\r', end: 'typed' },
    { what: 'is left to the person who has written on', more: ' and', keys: ' and', end: 'unverified' },
  ])('a line that a killed hub left in its box $what', async ({ more, keys, end }, { lab }) => {
    const { boss, own, peer, ids } = await startBoss(lab, 1, ['--echo', '1500']);
    const [id = ''] = ids;
    await peer.report(id, 'completed');
    await until('it is pasted', () => boss.pastes.length === 1);
    await lab.killHub();
    await until('it is in the box', async () => (await lab.screen(boss)).includes('(note '));
    if (more !== '') await lab.tmux('send-keys', '-l', '-t', boss.pane, more);
    await until('so does the rest', async () => (await lab.screen(boss)).trimEnd().endsWith(`)${more}`));
    expect(boss.keys).toBe(more);
    await own.ask('list_jobs');
    await until(`it is ${end}`, () => how(lab, id).includes(end));
    await noLine(boss, 1);
    expect(boss.keys).toBe(keys);
    expect(how(lab, id)).toEqual(['typing', end]);
    expect(lab.record(id).notifying).toBeUndefined();
  });
});
