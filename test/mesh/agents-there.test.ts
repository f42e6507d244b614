import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { overSsh } from '../support/hosts/fake-ssh.ts';
import type { Hosts } from '../support/hosts/hosts.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('over ssh, agents of the other host are started, listed, given a job, looked at and stopped', async () => {
  world = await overSsh();
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  b.sessions.add('robot');
  b.expected.push(/^peer-\w+\.log$/);
  const log = join(b.folder, 'peer-robot.log');
  const command = [process.execPath, PEER, '--log', log, '--mam', PROGRAM];
  b.configure({ agents: { robot: { session: 'tmux:robot', command, ready: '^READY> *$' } } });
  await b.startSession('keeper', 'exec sleep 1000');
  const server = await a.startServer();

  const before = await server.ask('list_agents', { host: 'hostb' });
  expect(before['agents']).toContainEqual(expect.objectContaining({ agent: 'robot', state: 'not_running' }));
  const started = await server.ask('start_agent', { agent: 'robot', host: 'hostb', workdir: b.project });
  expect(started).toMatchObject({ ready: true, target: 'tmux:robot@hostb' });
  expect(started['attach_command']).toMatch(/^ssh -t -- me@hostb\.lan /);
  expect(started['next']).toContain('tmux:robot@hostb');

  const { agents, summary } = await server.ask('list_agents', { host: 'hostb' });
  expect(summary).toBe('1 agent is running on hostb; it is idle.');
  expect(agents[0]).toMatchObject({ agent: 'robot', state: 'idle', target: 'tmux:robot@hostb' });
  expect((await a.mam('agents', '--host', 'hostb')).stdout).toContain('robot');

  const job = {
    prompt: 'Mend the roof',
    agent: 'robot',
    agent_session: agents[0].target,
    workdir: b.project,
  };
  const { job_id } = await server.ask('delegate_job', job);
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 60 });
  expect(waited.jobs).toMatchObject([{ job_id, status: 'completed' }]);

  expect(await a.json('attach', 'robot@hostb')).toMatchObject({
    summary: 'The session is in tmux:robot on hostb.',
    host: 'hostb',
    attach_command: `ssh -t -- me@hostb.lan 'tmux attach -t '\\''=robot'\\'''`,
  });
  expect((await a.json('attach', 'tmux:%1@hostb'))['attach_command']).toBe(
    `ssh -t -- me@hostb.lan 'tmux attach -t %1'`,
  );

  expect((await a.mam('stop', 'robot@hostb')).stdout).toContain('ended: tmux:robot@hostb');
  const names = () => b.tmux('list-sessions', '-F', '#{session_name}');
  await until('it is gone', async () => !(await names()).split('\n').includes('robot'));
  expect(await server.refusal('stop_agent', { name: 'tmux:robot', host: 'hostb' })).toMatch(/^on hostb: /);
  // As it is stopped, so it is started.
  expect((await a.mam('start', 'robot@hostb')).stdout).toContain('robot is ready in tmux:robot@hostb');
  expect((await a.mam('stop', 'robot@hostb')).code).toBe(0);
});

test("a profile's name on another host is that host's profile", async () => {
  world = await overSsh();
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  b.sessions.add('builder');
  b.expected.push(/^peer-\w+\.log$/);
  const own = ['--log', join(b.folder, 'peer-robot.log'), '--mam', PROGRAM];
  const robot = { command: [process.execPath, PEER, ...own], ready: '^READY> *$' };
  const about = 'Builds there.';
  b.configure({
    agents: { robot, builder: { extends: 'robot', about, preamble: 'Run the tests.', workdir: b.project } },
  });
  // Of the same name here: it counts for nothing there.
  const { hosts } = JSON.parse(readFileSync(join(a.home, 'config.json'), 'utf8'));
  a.configure({ hosts, agents: { builder: { extends: 'codex', preamble: './none.md' } } });
  await b.startSession('keeper', 'exec sleep 1000');
  const server = await a.startServer();
  const { agents } = await server.ask('list_agents', { host: 'hostb' });
  expect(agents).toContainEqual(
    expect.objectContaining({ agent: 'builder', kind: 'robot', about, state: 'not_running' }),
  );
  const job = { prompt: 'Mend the roof', agent: 'builder', host: 'hostb', start: true, request_key: 'roof' };
  expect(await server.ask('delegate_job', { ...job, dry_run: true })).toMatchObject({
    preamble: 'Run the tests.',
  });
  const { job_id } = await server.ask('delegate_job', job);
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 60 });
  expect(waited.jobs).toMatchObject([{ job_id, status: 'completed', agent: 'robot', profile: 'builder' }]);
  // There the task begins with the preamble; here it is the task as it was delegated.
  const [file = ''] =
    readFileSync(join(b.folder, 'peer-robot.log'), 'utf8').match(/\/[^\s"]*prompt\.md/) ?? [];
  expect(readFileSync(file, 'utf8')).toBe('Run the tests.\n\n---\n\nThe task:\n\nMend the roof');
  const page = await server.ask('job_status', { job_id, task_offset: 0 });
  expect(page).toMatchObject({
    profile: 'builder',
    prompt_preview: 'Mend the roof',
    task: 'Mend the roof',
    workdir: b.project,
  });
  expect((await server.ask('delegate_job', job)).job_id).toBe(job_id);
  expect((await server.ask('list_jobs', { agent: 'builder' })).jobs).toMatchObject([{ job_id }]);
  expect((await server.ask('list_jobs', { agent: 'builder', host: 'hostb' })).jobs).toMatchObject([
    { job_id },
  ]);
  expect((await a.mam('stop', 'builder@hostb')).code).toBe(0);
});
