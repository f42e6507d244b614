import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Lab, NOT_OURS } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

// Requests carry what they need: a hub does not depend on the environment of the process that happened to start it.

const isRoot = process.getuid?.() === 0;

/** A folder of the lab's. */
function folder(lab: Lab, name: string): string {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A tmux on a separate PATH, which records that it was run. */
function otherTmux(lab: Lab): { PATH: string; runs: () => string } {
  const bin = folder(lab, 'bin');
  const log = join(bin, 'runs');
  const real = spawnSync('sh', ['-c', 'command -v tmux']).stdout.toString().trim();
  writeFileSync(join(bin, 'tmux'), `#!/bin/sh\necho "$@" >>'${log}'\nexec ${real} "$@"\n`);
  chmodSync(join(bin, 'tmux'), 0o755);
  return {
    PATH: `${bin}:${process.env['PATH']}`,
    runs: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
  };
}

describe('the PATH of the hub', () => {
  test("may be bare: each caller's own tmux is used, also for a report", async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const { PATH, runs } = otherTmux(lab);
    const peer = await lab.startPeer('mute');
    await lab.start(['hub', 'restart'], { env: { PATH: '/nowhere' } }).ended;
    const hub = await lab.hubPid();
    const server = await lab.startServer({ PATH });
    const { job_id } = await server.delegate(peer);
    expect(await lab.hubPid()).toBe(hub);
    expect(runs()).toContain('new-session');
    await server.report(job_id, 'completed');
  });

  test('and of the caller may be bare: tmux is found in its usual place', async ({ lab, peer }) => {
    const server = await lab.startServer({ PATH: '' });
    const { job_id } = await server.delegate(peer);
    await server.report(job_id, 'completed');
  });
});

/** A program as an agent: it writes its environment and waits. */
function envWriter(lab: Lab): { read: (name: string) => Promise<Record<string, string>> } {
  const command = [
    '/bin/sh',
    '-c',
    `env > ${lab.folder}/env-$MAM_TEST_NAME.new; mv ${lab.folder}/env-$MAM_TEST_NAME.new ${lab.folder}/env-$XDG_SESSION_ID; exec cat`,
  ];
  lab.configure({ agents: { writer: { command, ready: '.*' } } });
  return {
    read: async (name) => {
      const path = join(lab.folder, `env-${name}`);
      await until(`${name} has written its environment`, () => existsSync(path));
      return Object.fromEntries(
        readFileSync(path, 'utf8')
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
    },
  };
}

describe('an agent that is started', () => {
  test("has its caller's environment and no secret, in a new tmux server or an old one", async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const writer = envWriter(lab);
    const config = folder(lab, 'config/tmux');
    writeFileSync(join(config, 'tmux.conf'), 'set -g @seen yes\n');
    const env = {
      XDG_CONFIG_HOME: join(lab.folder, 'config'),
      XDG_SESSION_ID: 'one',
      SSH_AUTH_SOCK: '/agent/one',
      DISPLAY: ':7',
      WAYLAND_DISPLAY: 'wayland-7',
      LC_TIME: 'en_GB.UTF-8',
      HTTPS_PROXY: 'http://proxy:3128',
    };
    const secrets = { MAM_BROKER_PASSWORD: 's3cret-word', SOME_API_KEY: 's3cret-word', CLAUDECODE: '1' };
    // Someone else started the hub, without that environment.
    await lab.start(['hub', 'restart'], { env: { HOME: '', LANG: 'C' } }).ended;
    const server = await lab.startServer({ ...env, ...secrets });
    await server.ask('start_agent', { agent: 'writer', name: 'one' });
    lab.sessions.add('one');
    const first = await writer.read('one');
    expect(first).toMatchObject({ ...env, HOME: lab.folder });
    expect(first['TMUX']).toContain(lab.socket);
    expect(await lab.tmux('show-options', '-gv', '@seen')).toBe('yes');
    // What a person opens there later finds the same hub and the same tmux.
    const kept = await lab.tmux('show-environment', '-g');
    for (const name of ['MAM_HOME', 'TMUX_TMPDIR']) expect(kept).toContain(`${name}=${lab.env[name]}`);
    const second = await lab.startServer({ ...env, SSH_AUTH_SOCK: '/agent/two', XDG_SESSION_ID: 'two' });
    await second.ask('start_agent', { agent: 'writer', name: 'two' });
    lab.sessions.add('two');
    const other = await writer.read('two');
    expect(other).toMatchObject({ ...env, SSH_AUTH_SOCK: '/agent/two', XDG_SESSION_ID: 'two' });
    for (const seen of [first, other]) {
      expect(Object.values(seen)).not.toContain('s3cret-word');
      expect(seen['CLAUDECODE']).toBeUndefined();
    }
    for (const { command } of lab.processes) expect(command).not.toContain('/agent/one');
  });

  test('is refused with the next step if TMUX_TMPDIR is a file or cannot be made', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    envWriter(lab);
    const file = lab.write('file', '');
    const server = await lab.startServer({ TMUX_TMPDIR: file });
    const job = { prompt: 'Mend the roof', agent: 'writer', agent_session: 'tmux:w', start: true };
    const told = [
      await server.refusal('start_agent', { agent: 'writer' }),
      await server.refusal('delegate_job', job),
    ];
    for (const text of told) expect(text).toContain(`${file} is not a folder`);
    const other = await lab.startServer({ TMUX_TMPDIR: '/proc/none' });
    told.push(await other.refusal('start_agent', { agent: 'writer' }));
    for (const text of told) expect(text).toContain('Set TMUX_TMPDIR to a folder');
    expect(lab.jobIds()).toEqual([]);
  });
});

describe('a path with blanks and quotes', () => {
  test('is one word in every command that is printed', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    const odd = folder(lab, "it's my place");
    const env = { MAM_HOME: join(odd, 'h'), TMUX_TMPDIR: odd };
    lab.homes.push(env.MAM_HOME);
    const { stderr } = await lab.start(['submit', 'x', '--agent', 'command', '--agent-session', 'w'], { env })
      .ended;
    expect(stderr).toContain("tmux -S '");
    // How a shell parses it.
    const [, command = ''] = /Start one: (tmux -S .*?) new-session/.exec(stderr) ?? [];
    const words = await lab.run('sh', ['-c', `set -- ${command}; printf '%s\\n' "$@"`]);
    expect(words.stdout.split('\n')[2]).toBe(join(odd, `tmux-${process.getuid?.()}`, 'default'));
    chmodSync(env.MAM_HOME, 0o755);
    const doctor = await lab.start(['doctor'], { env }).ended;
    expect(doctor.stdout).toContain(`chmod 700 '${lab.folder}/it'\\''s my place/h'`);
    await lab.start(['hub', 'stop'], { env }).ended;
  });
});

const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;

describe.runIf(canMount)('a sandbox that may not write MAM_HOME', () => {
  test('reports to a running hub, and says how to get one if none runs', async ({ lab }) => {
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    const inside = (...args: string[]) => {
      const view =
        'mount --bind "$MAM_HOME" "$MAM_HOME" && mount -o remount,ro,bind "$MAM_HOME" && exec "$@"';
      const ownMounts = ['--mount', '--propagation', 'private'];
      return lab.run('unshare', [...ownMounts, 'sh', '-c', view, 'sh', process.execPath, PROGRAM, ...args]);
    };
    expect(await inside('publish', '--job', job_id, '--event', 'started')).toMatchObject({ code: 0 });
    await lab.mam('hub', 'stop');
    await until('it has ended', () => lab.hubs.length === 0);
    const report = ['publish', '--job', job_id, '--event', 'completed'];
    const refused = await inside(...report);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('start the hub from outside (`mam hub restart`)');
    // Its advice works.
    await lab.mam('hub', 'restart');
    expect(await inside(...report)).toMatchObject({ code: 0, stderr: '' });
    await lab.event(job_id, 'completed');
  });
});

describe('a working folder that was removed', () => {
  test('does not keep reports from the hub, nor a server from working', async ({ lab, peer }) => {
    const gone = folder(lab, 'p/gone');
    const server = lab.spawnServer({}, { cwd: gone });
    rmSync(gone, { recursive: true });
    await server.initialize();
    const { job_id } = await server.delegate(peer, { workdir: lab.project });
    const words = await server.refusal('delegate_job', {
      ...{ prompt: 'Mend the roof', agent: 'command', agent_session: peer.address },
    });
    expect(words).toContain(`The working folder ${gone} does not exist`);
    // In a shell as well.
    const inGone = `mkdir ${gone} && cd ${gone} && rmdir ${gone} && exec "$@"`;
    const script = (...args: string[]) =>
      lab.run('sh', ['-c', inGone, 'sh', process.execPath, PROGRAM, ...args]);
    expect(await script('publish', '--job', job_id, '--event', 'started')).toMatchObject({ code: 0 });
    expect((await script('list')).stdout).toContain(job_id);
    const doctor = await script('doctor');
    expect(doctor.stdout).toContain(`The working directory ${gone} was removed.`);
    expect(doctor.stdout + doctor.stderr).not.toContain('uv_cwd');
    expect((await script('submit', 'x', '--agent', 'human', '--no-wait')).stderr).toContain('does not exist');
    // It was made again, as by a switch of branches.
    mkdirSync(gone);
    await server.report(job_id, 'completed');
    expect((await server.ask('list_jobs')).jobs).toMatchObject([{ job_id, status: 'completed' }]);
    rmSync(gone, { recursive: true });
  });
});

describe('a server that was started outside of any project', () => {
  test.for(['/', 'its home folder'])('in %s: workdir helps, projects stay apart', async (where, { lab }) => {
    const cwd = where === '/' ? '/' : lab.folder;
    lab.expected.push(/^h\/project\//);
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer({}, { cwd });
    const answer = await server.delegate(peer, { workdir: lab.project });
    expect(answer.registry_dir).toBe(join(lab.home, 'project', 'jobs'));
    expect(existsSync(join(cwd, '.mam'))).toBe(false);
    expect((await server.ask('list_jobs')).jobs).toHaveLength(1);
    await server.report(answer.job_id, 'completed');
    expect((await lab.mam('list')).stdout).toContain(`No jobs in ${lab.registry}`);
  });
});

describe.runIf(isRoot)('a user unknown to the system', () => {
  /** A copy of the program that such a user can access, wherever this one is. */
  const reachable = (lab: Lab): string => {
    const copy = join(lab.folder, 'program');
    if (existsSync(copy)) return join(copy, 'dist', basename(PROGRAM));
    const dist = dirname(PROGRAM);
    lab.expected.push(/^program\//);
    cpSync(dist, join(copy, 'dist'), { recursive: true });
    cpSync(join(dist, '..', 'package.json'), join(copy, 'package.json'));
    return reachable(lab);
  };

  /** Runs `mam` as such a user, with only these variables. */
  const run = (lab: Lab, env: Record<string, string>, ...args: string[]) =>
    spawnSync(
      'setpriv',
      ['--reuid', '54321', '--regid', '54321', '--clear-groups', process.execPath, reachable(lab), ...args],
      {
        cwd: lab.project,
        env: { PATH: process.env['PATH'], TMUX_TMPDIR: env['HOME'] || '/tmp', ...env },
        encoding: 'utf8',
      },
    );

  test('works with HOME, or MAM_HOME alone, and fails plainly without both', async ({ lab }) => {
    lab.expected.push(NOT_OURS);
    chmodSync(lab.folder, 0o755);
    const HOME = folder(lab, 'own');
    chownSync(HOME, 54321, 54321);
    for (const env of [{ HOME }, { MAM_HOME: join(HOME, 'm') }]) {
      const registry = join(HOME, 'jobs');
      const common = ['--registry-dir', registry];
      const submitted = run(lab, env, 'submit', 'Bring the key', '--agent', 'human', '--no-wait', ...common);
      expect(submitted).toMatchObject({ status: 0, stderr: '' });
      const [id = ''] = /(?<=registered job: )\S+/.exec(submitted.stdout) ?? [];
      expect(run(lab, env, 'done', '--job', id, ...common).status).toBe(0);
      expect(run(lab, env, 'agents').status).toBe(0);
      expect(run(lab, env, 'hub', 'stop').stdout).toContain('has ended');
    }
    expect(run(lab, { HOME }, 'doctor').stdout + run(lab, { HOME }, 'doctor').stderr).not.toContain('passwd');
    for (const args of [['list'], ['doctor'], ['install', 'codex', '--dry-run']])
      for (const env of [{}, { HOME: '' }] as Record<string, string>[])
        expect(run(lab, env, ...args).stderr).toContain('Set HOME to a folder of yours.');
  });
});
