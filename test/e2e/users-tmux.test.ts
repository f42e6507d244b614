import { spawn } from 'node:child_process';
import { describe, expect } from 'vitest';
import { failingAgent } from '../support/failing-agent.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { isRunning } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

/** A tmux server with the user's own configuration, and a session `home` of theirs. */
async function tmuxWith(lab: Lab, conf: string): Promise<void> {
  const file = lab.write('user.conf', `${conf}\n`);
  lab.sessions.add('home');
  const { code, stderr } = await lab.run('tmux', [
    ...['-f', file, '-S', lab.socket, 'new-session', '-d', '-s', 'home', '-x', '100', '-y', '30'],
    'exec sleep 1000',
  ]);
  if (code !== 0) throw new Error(stderr);
}

/** A person at a terminal who views a session. */
async function person(lab: Lab, session: string): Promise<{ at: () => Promise<string> }> {
  const command = `stty cols 100 rows 30; exec tmux -S ${lab.socket} attach -t =${session}`;
  const child = lab.keep(
    spawn('script', ['-qfc', command, '/dev/null'], {
      env: { ...lab.env, TERM: 'xterm' },
      stdio: ['pipe', 'ignore', 'ignore'],
    }),
  );
  const format = '#{client_control_mode} #{client_session}';
  const at = async () =>
    (await lab.tmux('list-clients', '-F', format))
      .split('\n')
      .filter((line) => line.startsWith('0 '))
      .map((line) => line.slice(2))
      .join(' ');
  await until('the person looks', async () => (await at()) === session);
  lab.onEnd(() => child.kill());
  return { at };
}

const hidden = async (lab: Lab): Promise<string[]> =>
  (await lab.tmux('list-sessions', '-F', '#{session_name}'))
    .split('\n')
    .filter((name) => name.startsWith('_mam-'));

/** Kinds whose agent is a program that waits, and one that fails. */
const KINDS = {
  robot: { session: 'robot', command: ['sh', '-c', 'echo "READY>"; exec sleep 1000'], ready: '^READY>' },
  failing: failingAgent('no licence'),
};

describe('detach-on-destroy off', () => {
  test('a viewer returns to their own session when the agent ends, not to a hidden one', async ({ lab }) => {
    await tmuxWith(lab, 'set -g detach-on-destroy off');
    // Our session has been idle for the longest, which tmux 3.3a prefers.
    const server = await lab.startServer();
    await server.ask('list_agents');
    const peer = await lab.startPeer('mute');
    await server.delegate(peer);
    const { at } = await person(lab, peer.session);
    await lab.tmux('kill-session', '-t', `=${peer.session}`);
    await until('they are at home', async () => (await at()) === 'home');
    expect(await hidden(lab)).toHaveLength(1);
  });

  test.for(['', ', also when they are slow to leave'])(
    'without another session they are detached, and the tmux server ends%s',
    async (slow, { lab }) => {
      await tmuxWith(lab, 'set -g detach-on-destroy off');
      const pid = Number(await lab.tmux('display-message', '-p', '#{pid}'));
      const server = await lab.startServer();
      await server.ask('list_agents');
      await person(lab, 'home');
      const rows = await lab.tmux('list-clients', '-F', '#{client_control_mode} #{client_pid}');
      const client = Number(/^0 (\d+)$/m.exec(rows)?.[1]);
      if (slow !== '') process.kill(client, 'SIGSTOP');
      await lab.tmux('kill-session', '-t', '=home');
      if (slow !== '') {
        // The hub checks several times meanwhile.
        await pause(500);
        process.kill(client, 'SIGCONT');
      }
      await until('the server ends', () => !isRunning(pid));
    },
  );
});

test.for([
  ['split-window', 'split-window -h'],
  ['new-window', 'new-window'],
  ['display-popup', 'display-popup -E "sleep 1000"'],
  ['split-window behind a shell', 'run-shell -b "true" ; split-window'],
])('a hook on new sessions, %s, changes nothing and leaves nothing of ours', async ([, hook], { lab }) => {
  await tmuxWith(lab, '');
  const { at } = await person(lab, 'home');
  lab.sessions.add('robot').add('failing');
  lab.configure({ agents: KINDS });
  await lab.tmux('set-hook', '-g', 'after-new-session', hook as string);
  const server = await lab.startServer();
  expect(await server.ask('start_agent', { agent: 'robot' })).toMatchObject({ ready: true });
  const { agents } = await server.ask('list_agents');
  const live = agents.filter(({ target }: { target?: string }) => target !== undefined);
  expect(live).toMatchObject([{ agent: 'robot', state: 'idle', started_by_us: true }]);
  const marked = await lab.tmux('list-panes', '-a', '-F', '#{@mam_agent} #{pane_start_command}');
  const ours = marked.split('\n').filter((line) => line.startsWith('robot '));
  expect(ours).toMatchObject([expect.stringContaining('READY')]);
  expect(await hidden(lab)).toHaveLength(1);
  expect(await lab.tmux('list-panes', '-s', '-t', `=${(await hidden(lab))[0]}`)).not.toContain('\n');
  expect(await server.refusal('start_agent', { agent: 'failing' })).toContain('no licence');
  expect(await lab.tmux('list-sessions', '-F', '#{session_name}')).not.toContain('failing');
  await server.ask('stop_agent', { name: 'robot' });
  expect(await at()).toBe('home');
});

test('destroy-unattached on, an error in tmux.conf: an agent stays, and is typed into', async ({ lab }) => {
  lab.sessions.add('robot');
  lab.configure({ agents: KINDS });
  lab.write('../.tmux.conf', 'set -g destroy-unattached on\nset -g no-such-option 1\n');
  lab.expected.push(/^\.tmux\.conf$/);
  const server = await lab.startServer();
  expect(await server.ask('start_agent', { agent: 'robot' })).toMatchObject({ ready: true });
  expect(await lab.tmux('list-panes', '-t', '=robot:', '-F', '#{pane_dead} #{pane_in_mode}')).toBe('0 0');
  await server.ask('stop_agent', { name: 'robot' });
});
