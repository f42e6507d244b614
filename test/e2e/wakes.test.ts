import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as sharingLab, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import type { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Longer than a pending wake takes: collecting, and looking twice. */
const WAKE_MS = 4_000;

/** Several can be in one lab: each is its own agent kind. */
const NAMES = Array.from({ length: 20 }, (_, n) => `boss-${n}`);
const kinds = Object.fromEntries(
  NAMES.map((name) => [name, { session: `tmux:${name}`, ready: 'READY> *$', busy: 'WORKING' }]),
);

/** A server that supervises nothing. */
const sharing = sharingLab.extend<{ stranger: LabServer }>({
  stranger: [async ({ lab }, use) => use(await lab.startServer()), { scope: 'file' }],
});

/**
 * A supervisor whose screen shows when it is idle, and which delegates this many jobs when told to go. Notifications do
 * not depend on who has the jobs: a person's need no pane.
 * @param peer who has the first one; absent: a person
 */
async function startBoss(lab: Lab, count: number, args: string[] = [], peer?: Peer) {
  if (!existsSync(join(lab.home, 'config.json'))) lab.configure({ agents: kinds });
  lab.expected.push(/^out-boss-\d+$/);
  const session = NAMES.pop() ?? '';
  const file = join(lab.folder, `out-${session}`);
  const submit = `"${process.execPath}" "${PROGRAM}" submit --no-wait --notify pane --prompt roof`;
  const agents: string[] = Array(count).fill('human');
  if (peer !== undefined) agents[0] = `command --agent-session ${peer.address}`;
  const all = agents.map((agent) => `${submit} --agent ${agent} >> ${file}.part 2>&1`).join('; ');
  const hook = `test -e ${file} || { ${all}; mv ${file}.part ${file}; }`;
  const boss = await lab.startPeer('mute', { session, args: ['--hook', hook, ...args] });
  /** Makes it delegate; returns the answer that it got. */
  const go = async (): Promise<string> => {
    await lab.tmux('set-buffer', '-b', session, 'go');
    await lab.tmux('paste-buffer', '-p', '-d', '-b', session, '-t', boss.pane);
    await lab.tmux('send-keys', '-t', boss.pane, 'Enter');
    return until('it has delegated', () => readFileSync(file, 'utf8'));
  };
  return { boss, go };
}

/** The jobs that were made, in order. */
const idsIn = (out: string): string[] =>
  [...out.matchAll(/^registered job: (\S+)$/gm)].map(([, id]) => id ?? '');

/** What the boss received, without what the test itself pasted. */
const told = (boss: Peer): string[] => boss.pastes.slice(1);

const how = (lab: Lab, jobId: string): unknown[] =>
  lab.events(jobId).flatMap((event) => (event.type === 'notified' ? [dataOf(event).how] : []));

describe.concurrent('a supervisor that does not wait', () => {
  sharing('is notified once of each change, in its own pane', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 1, [], await lab.startPeer('mute'));
    const [id = ''] = idsIn(await go());
    const peer = await lab.reporter;
    await peer.report(id, 'question', { detail: 'Slate; or `tin`?' });
    await boss.gets(2, 2);
    expect(told(boss)).toEqual([
      expect.stringMatching(
        new RegExp(`^Job ${id} needs you \\(question\\): run: \\S.* status ${id} \\(note \\w+\\)$`),
      ),
    ]);
    await until('it is in the journal', () => how(lab, id).length === 2);
    expect(how(lab, id)).toEqual(['typing', 'typed']);
    await peer.report(id, 'completed', { detail: 'done' });
    await boss.gets(3, 3);
    expect(told(boss)[1]).toContain(`Job ${id} is completed: run: `);
    await until('it is in the journal', () => how(lab, id).length === 4);
    // It needs no reply, and no further event makes another line.
    await peer.report(id, 'progress').catch(() => {});
    await sleep(WAKE_MS);
    expect(told(boss)).toHaveLength(2);
    expect(lab.record(id)).toMatchObject({ status: 'completed', late: false });
  });

  sharing('is notified in one line of all changes while it was busy or being read', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 3, ['--busy', 'WORKING']);
    const [first = '', second = '', third = ''] = idsIn(await go());
    const peer = await lab.reporter;
    await peer.report(first, 'completed');
    await peer.report(second, 'error', { detail: 'no slate' });
    await sleep(WAKE_MS);
    expect(told(boss)).toEqual([]);
    await lab.tmux('copy-mode', '-t', boss.pane);
    await lab.tmux('send-keys', '-X', '-t', boss.pane, 'cancel');
    await lab.tmux('send-keys', '-t', boss.pane, 'y');
    await lab.tmux('copy-mode', '-t', boss.pane);
    await peer.report(third, 'question', { detail: '?' });
    await sleep(WAKE_MS);
    expect(told(boss)).toEqual([]);
    await lab.tmux('send-keys', '-X', '-t', boss.pane, 'cancel');
    await boss.gets(2, 3);
    await until('all are told', () => [first, second, third].every((id) => how(lab, id).includes('typed')));
    expect(told(boss)).toHaveLength(1);
    const [line = ''] = told(boss);
    for (const words of [
      `${first} is completed`,
      `${second} is failed (agent_error)`,
      `${third} needs you (question)`,
    ])
      expect(line).toContain(words);
    await peer.report(third, 'completed');
    await boss.gets(3, 4);
  });

  sharing('is not notified of what it has seen: by a look, by a wait', async ({ lab, stranger }) => {
    const { boss, go } = await startBoss(lab, 3);
    const [first = '', second = '', third = ''] = idsIn(await go());
    const [peer, own] = [await lab.reporter, await lab.startServer(lab.envOf(boss))];
    const wait = own.wait({ job_ids: [second, third] });
    await until('the wait is in force', async () => {
      await peer.report(third, 'progress', { detail: 'x' });
      return lab.events(third).length > 5;
    });
    await peer.report(second, 'completed');
    expect(await wait.answer).toMatchObject({ outcome: 'final' });
    await peer.report(first, 'completed');
    await own.ask('job_status', { job_id: first });
    for (const id of [first, second]) await until(`${id} is seen`, () => how(lab, id).length > 0);
    await sleep(WAKE_MS);
    expect(told(boss)).toEqual([]);
    expect([first, second].map((id) => how(lab, id))).toEqual([['seen'], ['seen']]);
    // What another session sees does not count for this one.
    await peer.report(third, 'completed');
    await stranger.ask('job_status', { job_id: third });
    await boss.gets(2, 2);
    expect(told(boss)).toEqual([expect.stringContaining(`Job ${third} is completed`)]);
  });

  sharing('is notified although its waits were refused, or abandoned before they began', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 1);
    const [id = ''] = idsIn(await go());
    const [peer, own] = [await lab.reporter, await lab.startServer(lab.envOf(boss))];
    // The first call of a server takes a while to begin.
    own.wait({ job_id: id }).cancel();
    for (const other of ['', 'roof-aaaaaaaa'])
      expect(await own.refusal('wait_job', { job_ids: [id, other] })).toContain('no job with this id');
    await peer.report(id, 'completed');
    await boss.gets(2, 2);
    expect(told(boss)).toEqual([expect.stringContaining(`Job ${id} is completed`)]);
    await until('it is in the journal', () => how(lab, id).length === 2);
    expect(how(lab, id)).toEqual(['typing', 'typed']);
  });

  sharing('is notified of what changed while the previous line was typed', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 1, ['--echo', '1500']);
    const out = await go();
    // The text that made it delegate is shown late as well, with an empty prompt below it.
    await until('it has shown that', async () => (await lab.screen(boss)).includes('READY> go'));
    await lab.tmux('send-keys', '-l', '-t', boss.pane, '\nREADY> ');
    const [id = ''] = idsIn(out);
    const peer = await lab.reporter;
    await peer.report(id, 'question', { detail: '?' });
    await until('it is typed', () => how(lab, id).includes('typing'));
    await peer.report(id, 'completed', { detail: 'done' });
    await boss.gets(3, 3 + '\nREADY> '.length);
    expect(told(boss)).toEqual([
      expect.stringContaining(`Job ${id} needs you (question)`),
      expect.stringContaining(`Job ${id} is completed`),
    ]);
    await until('it is in the journal', () => how(lab, id).length === 4);
    expect(how(lab, id)).toEqual(['typing', 'typed', 'typing', 'typed']);
  });

  sharing('is not notified if another program has its pane now', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 1);
    const [id = ''] = idsIn(await go());
    await lab.tmux('respawn-pane', '-k', '-t', boss.pane, "exec sh -c 'stty raw; echo READY\\>; exec cat'");
    await (await lab.reporter).report(id, 'completed');
    await until('it is given up', () => how(lab, id).length > 0);
    expect(how(lab, id)).toEqual(['gone']);
    expect(await lab.screen(boss)).not.toContain('job_status');
    expect(told(boss)).toEqual([]);
  });
});

const tmuxPid = async (lab: Lab): Promise<number> =>
  Number(await lab.tmux('display-message', '-p', '#{pid}'));

// After the others, one by one: they stop tmux, prune final jobs, and end the shared hub.
describe('a supervisor that does not wait', () => {
  sharing('is notified of what happened between composing its line and pasting it', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 1);
    const [id = ''] = idsIn(await go());
    const pid = await tmuxPid(lab);
    const peer = await lab.reporter;
    await peer.report(id, 'question', { detail: '?' });
    // Within the second between two looks of the hub at the pane.
    await sleep(1_500);
    process.kill(pid, 'SIGSTOP');
    try {
      await sleep(1_200);
      await peer.report(id, 'completed', { detail: 'done' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('it is told of the end', () => told(boss).at(-1)?.includes(`Job ${id} is completed`));
    await until('it is in the journal', () => how(lab, id).at(-1) === 'typed');
  });

  sharing('is notified of its other jobs when one was pruned before it could be', async ({ lab }) => {
    const { boss, go } = await startBoss(lab, 2, ['--busy', 'WORKING']);
    const before = lab.hubLog();
    const [first = '', second = ''] = idsIn(await go());
    const peer = await lab.reporter;
    await peer.report(first, 'completed');
    expect(await lab.mam('prune', '--older-than', '0h')).toMatchObject({ code: 0 });
    expect(lab.jobIds()).toContain(second);
    expect(lab.jobIds()).not.toContain(first);
    await peer.report(second, 'completed');
    await lab.tmux('send-keys', '-t', boss.pane, 'y');
    await boss.gets(2, 3);
    expect(told(boss)).toEqual([expect.stringContaining(`Job ${second} is completed`)]);
    expect(lab.hubLog().slice(before.length)).not.toContain('was not notified');
  });

  sharing('is notified by the next hub of what the last had yet to report', async ({ lab, stranger }) => {
    const { boss, go } = await startBoss(lab, 1);
    const [id = ''] = idsIn(await go());
    await lab.tmux('copy-mode', '-t', boss.pane);
    await (await lab.reporter).report(id, 'completed');
    await lab.killHub();
    await lab.tmux('send-keys', '-X', '-t', boss.pane, 'cancel');
    await stranger.ask('list_jobs');
    // It first gives waits time to reconnect.
    await until('it is told', () => how(lab, id).includes('typed'));
    expect(told(boss)).toEqual([expect.stringContaining(`Job ${id} is completed`)]);
  });

  sharing('is never notified twice, even if the next hub finds no line of it', async ({ lab, stranger }) => {
    const { boss, go } = await startBoss(lab, 2, ['--echo', '20000']);
    const out = await go();
    await until('its box is empty again', async () => /READY> *$/.test(await lab.screen(boss)));
    const [id = '', next = ''] = idsIn(out);
    await (await lab.reporter).report(id, 'completed');
    await until('it is pasted', () => told(boss).length === 1);
    expect(how(lab, id)).toEqual(['typing']);
    await lab.killHub();
    await stranger.ask('list_jobs');
    // Nor is another line pasted on top of it: it may still appear.
    await (await lab.reporter).report(next, 'completed');
    await sleep(WAKE_MS + WAKE_MS);
    expect(how(lab, next)).toEqual([]);
    expect(told(boss)).toHaveLength(1);
    expect(boss.keys).toHaveLength(1);
  });
});

test('a supervisor is not given up while another tmux server has its socket', async ({ lab }) => {
  const { boss, go } = await startBoss(lab, 1);
  const [id = ''] = idsIn(await go());
  const first = await tmuxPid(lab);
  rmSync(lab.socket);
  lab.onEnd(() => isRunning(first) && process.kill(first, 'SIGUSR1'));
  await lab.killHub();
  await lab.startSession('second', 'exec sleep 1000');
  const second = await tmuxPid(lab);
  lab.onEnd(() => isRunning(second) && process.kill(second, 'SIGTERM'));
  await (await lab.reporter).report(id, 'completed');
  await sleep(WAKE_MS);
  expect(how(lab, id)).toEqual([]);
  process.kill(second, 'SIGTERM');
  await until('the second server ends', () => !isRunning(second));
  process.kill(first, 'SIGUSR1');
  await until('it is told', () => how(lab, id).at(-1) === 'typed');
  expect(told(boss)).toEqual([expect.stringContaining(`Job ${id} is completed`)]);
});

describe.concurrent('notify is refused, and no job is left,', () => {
  test("outside a pane, for another's pane, for a program that shows no readiness", async ({ lab }) => {
    const peer = await lab.startPeer('mute');
    const { boss, go } = await startBoss(lab, 1, [], peer);
    const job = { prompt: 'x', agent: 'command', agent_session: peer.address, notify: 'pane' };
    expect(await (await lab.startServer()).refusal('delegate_job', job)).toContain(
      'you are not running in a tmux pane',
    );
    const foreign = await lab.startServer(lab.envOf(boss));
    expect(await foreign.refusal('delegate_job', job)).toContain('is not the one that delegates');
    lab.configure('{}');
    const answer = await go();
    expect(answer).toContain('is of no known agent kind: mam cannot see whether it is idle');
    expect(answer).toContain('wait with `mam wait`');
    const agent = ['--agent', 'command', '--agent-session', peer.address];
    const waits = await lab.mam('submit', '--prompt', 'x', ...agent, '--notify', 'pane');
    expect(waits).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Add --no-wait, or leave out --notify'),
    });
    expect(lab.jobIds()).toEqual([]);
  });
});
