import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect } from 'vitest';
import { shortFolder } from '../../src/settings/hub-place.ts';
import type { Lab } from '../support/lab.ts';
import { NOT_OURS } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

// A thing's name may change, or have two forms: it stays the same thing.

const RENAMED = { NODE_OPTIONS: `--require=${resolve(import.meta.dirname, '../support/other-name.cjs')}` };

/** Whether this system can mount one folder in two places. */
const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The jobs known to a wait without ids and to a list, and the server itself. */
async function openIn(lab: Lab, env: Record<string, string>, cwd?: string): Promise<string[]> {
  const { stdout } = await lab.start(['list', '--json'], { env, ...(cwd !== undefined && { cwd }) }).ended;
  return JSON.parse(stdout).jobs.map(({ job_id }: { job_id: string }) => job_id);
}

describe('the name of the machine', () => {
  test('may change under a running hub: requests and waits are answered', async ({ lab, peer }) => {
    const before = await lab.startServer();
    const { job_id } = await before.delegate(peer);
    const after = await lab.startServer(RENAMED);
    expect(await after.ask('job_status', { job_id })).toMatchObject({ job_id });
    const waits = [before.wait({ job_id }), after.wait({ job_id })];
    const shell = lab.start(['wait', job_id], { env: RENAMED });
    await lab.start(['publish', '--job', job_id, '--event', 'completed'], { env: RENAMED }).ended;
    for (const wait of waits) expect(await wait.answer).toMatchObject({ outcome: 'final' });
    expect((await shell.ended).code).toBe(0);
  });

  test('may change between two hubs: a running server finds the new one', async ({ lab }) => {
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    const wait = server.wait({ job_id });
    await lab.killHub();
    await lab.start(['hub', 'restart'], { env: RENAMED }).ended;
    await server.report(job_id, 'completed');
    expect(await wait.answer).toMatchObject({ outcome: 'final' });
  });
});

describe('a home that is too deep for a socket', () => {
  test('has one hub, whatever temporary folder its clients have, at any time', async ({ lab }) => {
    lab.expected.push(/^(one|two)\//);
    const home = join(lab.folder, 'deep'.repeat(10), 'deeper'.repeat(10));
    lab.homes.push(home);
    const from = (name: string): Record<string, string> => {
      const TMPDIR = join('/tmp', `mam-test-${process.pid}-${name}`);
      mkdirSync(TMPDIR, { recursive: true, mode: 0o700 });
      lab.onEnd(() => rmSync(TMPDIR, { recursive: true, force: true }));
      return { MAM_HOME: home, TMPDIR };
    };
    const [one, two] = [from('one'), from('two')];
    const first = await lab.startServer(one);
    const second = await lab.startServer(two);
    await Promise.all([first.ask('list_jobs'), second.ask('list_jobs')]);
    const pid = await lab.hubPid(home);
    // The next hub listens in its own starter's temporary folder: earlier clients follow it.
    const { TMPDIR } = dirname(lab.hub(home).socket).startsWith(one['TMPDIR'] ?? '') ? two : one;
    await lab.start(['hub', 'stop'], { env: one }).ended;
    await until('it has ended', () => !isRunning(pid));
    await lab.start(['hub', 'restart'], { env: { ...one, TMPDIR: TMPDIR ?? '' } }).ended;
    expect(lab.hub(home).socket.startsWith(TMPDIR ?? '')).toBe(true);
    await Promise.all([first.ask('list_jobs'), second.ask('list_jobs')]);
    await lab.start(['hub', 'stop'], { env: two }).ended;
    rmSync(shortFolder(home), { recursive: true, force: true });
  });
});

describe('a registry under two names', () => {
  test('is one: links, dots and slashes lead to the same jobs, and the hub continues', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const peer = await lab.startPeer('mute');
    symlinkSync(lab.folder, join(lab.folder, 'link'));
    const plain = await lab.startServer();
    const others = [
      join(lab.folder, 'link', 'p', '.mam', 'jobs'),
      `${lab.project}/../p/.mam/jobs/`,
      `${lab.registry}//.`,
    ];
    // The first client names it before it exists.
    const early = await lab.startServer({ MAM_REGISTRY_DIR: others[0] ?? '' });
    const { job_id } = await early.delegate(peer, { request_key: 'roof' });
    const hub = await lab.hubPid();
    expect((await plain.ask('list_jobs')).jobs).toMatchObject([{ job_id }]);
    for (const MAM_REGISTRY_DIR of others) expect(await openIn(lab, { MAM_REGISTRY_DIR })).toEqual([job_id]);
    const again = await lab.start(['submit', 'Log it', '--agent', 'human', '--no-wait', '--json'], {
      env: { MAM_REGISTRY_DIR: others[1] ?? '' },
    }).ended;
    expect(JSON.parse(again.stdout).registry_dir).toBe(realpathSync(lab.registry));
    const status = JSON.parse((await lab.mam('hub', '--json')).stdout);
    expect(status).toMatchObject({ pid: hub, registries: [lab.registry] });
    await plain.report(job_id, 'completed');
    await plain.ask('cancel_job', { job_id: JSON.parse(again.stdout).job_id });
    expect(lab.hubLog()).not.toContain('lost');
  });

  test.runIf(canMount)('is one if it is mounted in two places', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const other = join(lab.folder, 'other');
    mkdirSync(other);
    const mam = `${process.execPath} ${PROGRAM}`;
    // The hub starts in the same view of the disks.
    const script = `mount --bind ${lab.project} ${other} && cd ${lab.project} &&
      ${mam} submit 'Bring the key' --agent human --no-wait >/dev/null && cd ${other} &&
      ${mam} submit 'Bring the map' --agent human --no-wait >/dev/null; ${mam} list --json; ${mam} hub --json;
      cd ${lab.project}; ${mam} list --json; for id in $(ls .mam/jobs); do ${mam} cancel $id; done; ${mam} hub stop`;
    const ownMounts = ['--mount', '--propagation', 'private'];
    const { stdout, stderr } = await lab.run('unshare', [...ownMounts, 'sh', '-c', script]);
    const [there, hub, here] = stdout.split('\n').map((line) => line.startsWith('{') && JSON.parse(line));
    expect(there.jobs, stderr).toHaveLength(2);
    expect(here.jobs).toHaveLength(2);
    expect(hub.registries).toHaveLength(1);
    expect(lab.hubLog()).not.toContain('lost');
  });

  test('is one also for a program that asks the hub by another path', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    symlinkSync(lab.folder, join(lab.folder, 'link'));
    const hub = await lab.hubPid();
    // As a client may say it that started before the first folder was made, or has another version.
    const { requestOnce } = await import('../../src/link/one-shot.ts');
    const { socket, realm, host } = lab.hub();
    const ask = (registry_dir: string) =>
      requestOnce({
        ...{ address: { kind: 'socket', path: socket }, realm, host, timeoutMs: 10_000, command: 'list' },
        params: { registry_dir, limit: 10 },
      });
    const listed = await ask(join(lab.folder, 'link', 'p', '.mam', 'jobs'));
    expect(listed?.jobs).toMatchObject([{ job_id }]);
    await expect(ask('jobs')).rejects.toThrow('absolute path');
    await server.report(job_id, 'completed');
    expect(await lab.hubPid()).toBe(hub);
  });
});

test('a tmux server, a pane and a working folder are the same by each path to them', async ({ lab }) => {
  lab.expected.push(NOT_OURS);
  const link = join(lab.folder, 'link');
  symlinkSync(lab.folder, link);
  const peer = await lab.startPeer('mute');
  const server = await lab.startServer();
  const first = await server.delegate(peer);
  const other = await lab.startServer({ TMUX_TMPDIR: link });
  const second = await other.delegate(peer, { workdir: join(link, 'p') });
  // It is behind the first one in the same queue.
  expect(second).toMatchObject({ position: 1, behind: [first.job_id], status: 'queued' });
  expect(second.agent_session.socket).toBe(lab.socket);
  expect(second.warnings).toEqual([expect.stringContaining('is open in the same working folder')]);
  for (const { job_id } of [first, second]) await server.ask('cancel_job', { job_id });
});
