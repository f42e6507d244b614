import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');
/** A namespace in which /proc shows only its own processes. */
const OTHER_NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const isPermitted = spawnSync('unshare', [...OTHER_NAMESPACE, 'true']).status === 0;
/** Longer than it takes to notice a loss, in ms. */
const QUIET_MS = 1_000;

const tmuxPid = async (lab: Lab): Promise<number> =>
  Number(await lab.tmux('display-message', '-p', '#{pid}'));

/** Sweeps the socket's file away, as a cleaner of /tmp does, and with it all connections to it. */
async function sweep(lab: Lab): Promise<number> {
  const pid = await tmuxPid(lab);
  rmSync(lab.socket);
  // Otherwise the lab could not end what it has started.
  lab.onEnd(() => isRunning(pid) && process.kill(pid, 'SIGUSR1'));
  return pid;
}

describe("tmux's socket file swept away", () => {
  test('the job stays, says how to reach its agent again, and continues', async ({ lab, server, peer }) => {
    const { job_id } = await server.delegate(peer);
    const pid = await sweep(lab);
    await lab.killHub();
    const wait = await server.wait({ job_ids: [job_id] }).answer;
    expect(wait).toMatchObject({ outcome: 'needs_attention' });
    expect(wait.jobs).toMatchObject([{ status: 'input_required', reason: 'stalled' }]);
    expect(wait.jobs[0].detail).toContain(`\`kill -USR1 ${pid}\``);
    const step = `kill -USR1 ${pid}`;
    expect(wait.next).toContain(`a person has to run \`${step}\` in a shell`);
    expect(wait.next).not.toContain('attach -t');
    expect((await lab.mam('status', job_id)).stdout).toContain(`next       ${step}\n`);
    process.kill(pid, 'SIGUSR1');
    await until('it goes on', () => lab.record(job_id).status === 'working');
    await (await lab.reporter).report(job_id, 'completed');
    expect(lab.record(job_id)).toMatchObject({ status: 'completed' });
  });

  test('a queued job stays too, and is typed when the socket is back', async ({ lab, server }) => {
    const peer = await lab.startPeer('good');
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id } = await server.delegate(peer);
    const pid = await sweep(lab);
    await lab.killHub();
    expect(await server.ask('job_status', { job_id })).toMatchObject({ status: 'queued' });
    await until('it says why', () => lab.record(job_id).blocked_by === 'unreachable');
    expect(lab.record(job_id).detail).toContain(`kill -USR1 ${pid}`);
    process.kill(pid, 'SIGUSR1');
    await until('the socket is back', () => existsSync(lab.socket));
    await lab.tmux('send-keys', '-t', peer.pane, '-X', 'cancel');
    await peer.reported('completed');
  });

  test('what the hub starts or hands over meanwhile says how to reach it', async ({ lab }) => {
    const server = await lab.startServer();
    lab.configure({ agents: { second: { command: ['sh', '-c', 'echo up; exec sleep 1000'], ready: 'up' } } });
    const peer = await lab.startPeer('mute');
    await server.delegate(peer);
    lab.sessions.add('second');
    const pid = await sweep(lab);
    const started = await lab.mam('start', 'second');
    expect(started.stdout).not.toContain('attach:');
    expect(started.stderr).toContain(`Nobody can attach now.`);
    expect(started.stderr).toContain(`kill -USR1 ${pid}`);
    const { warnings } = await server.delegate(peer);
    expect(warnings.join(' ')).toContain(`kill -USR1 ${pid}`);
    process.kill(pid, 'SIGUSR1');
    await until('the socket is back', () => existsSync(lab.socket));
  });

  test('no agent is started in a second server on that path', async ({ lab }) => {
    await lab.startSession('other', 'exec sleep 1000');
    lab.configure({ agents: { second: { command: ['sleep', '1000'], ready: 'x' } } });
    const pid = await sweep(lab);
    const { code, stderr } = await lab.mam('start', 'second');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`is alive (process ${pid})`);
    expect(stderr).toContain(`kill -USR1 ${pid}`);
    expect(existsSync(lab.socket)).toBe(false);
    process.kill(pid, 'SIGUSR1');
    await until('the socket is back', () => existsSync(lab.socket));
  });

  test('a job stays when someone has started another server there', async ({ lab, server, peer }) => {
    const { job_id } = await server.delegate(peer);
    const pid = await sweep(lab);
    await lab.killHub();
    await lab.startSession('second', 'exec sleep 1000');
    const second = await tmuxPid(lab);
    expect(second).not.toBe(pid);
    await server.ask('job_status', { job_id });
    await until('it says why', () => lab.record(job_id).reason === 'stalled');
    expect(lab.record(job_id).detail).toContain(`kill -USR1 ${pid}`);
    process.kill(peer.pid, 'SIGKILL');
    await lab.event(job_id, 'session_lost');
    // The second one keeps the socket: the first ends with its last session.
    await until('the first server ends', () => !isRunning(pid));
  });
});

describe.skipIf(!isPermitted)('another pid namespace', () => {
  /** Runs a command of the built program in a separate namespace. */
  const elsewhere = (lab: Lab, ...args: string[]) =>
    lab.run('unshare', [...OTHER_NAMESPACE, process.execPath, PROGRAM, ...args]);

  test('a hub there ends no job whose processes it cannot see', async ({ lab, server, peer }) => {
    await lab.startSession('other', 'exec sleep 1000');
    const { job_id } = await server.delegate(peer);
    await server.close();
    await lab.killHub();
    // The command waits in there, so its hub lives as long, and is killed with its namespace.
    lab.expected.push(/^h\/clients\/\d+$/);
    const { code } = await elsewhere(lab, 'wait', '--job', job_id, '--timeout', '2');
    expect(code).toBe(3);
    expect(lab.record(job_id).status).toBe('working');
    const again = await lab.startServer();
    await again.ask('job_status', { job_id });
    await pause(QUIET_MS);
    expect(lab.record(job_id).status).toBe('working');
    process.kill(peer.pid, 'SIGKILL');
    await lab.event(job_id, 'session_lost');
    const sessions = () => lab.tmux('list-sessions', '-F', '#{session_name}');
    await until(
      'the hidden session of the first has ended',
      async () => !/_mam.*_mam/s.test(await sessions()),
    );
  });

  test('an agent in one gets its job, reports, and is seen to end', async ({ lab }) => {
    lab.expected.push(/^peer-inside\.log$/);
    const log = `${lab.folder}/peer-inside.log`;
    const words = [...OTHER_NAMESPACE, process.execPath, PEER, '--log', log, '--mam', PROGRAM];
    await lab.startSession('inside', `exec unshare ${words.map((word) => `'${word}'`).join(' ')}`);
    const peer = new Peer('inside', lab.panes.get('inside') ?? '', log);
    await until('it is ready', () => peer.isReady);
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    expect((await server.ask('wait_job', { job_id })).jobs[0].status).toBe('completed');
  });

  test('the lock of a living hub is respected there as well', async ({ lab }) => {
    mkdirSync(lab.registry, { recursive: true });
    const server = await lab.startServer();
    await server.ask('list_jobs');
    const home = `${lab.folder}/home-2`;
    lab.homes.push(home);
    // The hub there is killed with its namespace.
    lab.expected.push(/^home-2\//);
    const ended = await lab.run('env', [
      ...[`MAM_HOME=${home}`, 'unshare', ...OTHER_NAMESPACE, process.execPath, PROGRAM],
      ...['submit', '--agent', 'human', '--no-wait', '--prompt', 'x'],
    ]);
    expect(ended.stderr).toContain(`is being written by another hub (process ${lab.hub().pid}`);
  });

  test('a report from there is accepted, and an equal pid proves nothing', async ({ lab }) => {
    const server = await lab.startServer();
    const peer = await lab.startPeer('mute');
    const { job_id } = await server.delegate(peer);
    expect((await elsewhere(lab, 'publish', '--job', job_id, '--event', 'started')).code).toBe(0);
    expect(lab.record(job_id).status).toBe('working');
  });
});
