import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/base/process-id.ts';
import { ancestors, startOf } from '../../src/base/processes.ts';
import { foreground, isShell } from '../../src/tmux/process.ts';
import { until } from '../support/until.ts';
import { TmuxLab } from './lab.ts';

let lab: TmuxLab | undefined;
afterEach(async () => {
  await lab?.end();
  lab = undefined;
});

test.each('bash -bash zsh /bin/sh dash fish ksh tcsh csh nu pwsh elvish xonsh -zsh pwsh.exe'.split(' '))(
  '%s is a shell',
  (name) => expect(isShell(name)).toBe(true),
);
test.each(['claude', 'node', 'codex', 'python3', 'vim', 'bashful', '', 'ssh', 'sleep'])(
  '%s is not a shell',
  (name) => expect(isShell(name)).toBe(false),
);

describe('a process', () => {
  test('is alive until it ends, and not when another start is meant', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const pid = child.pid as number;
    const start = startOf(pid) as string;
    expect(isAlive({ pid, start })).toBe(true);
    expect(isAlive({ pid, start: `${start}1` })).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive({ pid, start })).toBe(false);
  });

  test('has its parents', () => {
    expect(ancestors()[0]).toBe(process.ppid);
    expect(ancestors().at(-1)).toBe(1);
    expect(ancestors(1)).toEqual([]);
  });

  test('in the foreground of a pane is found behind its shell', async () => {
    lab = new TmuxLab();
    await lab.startTmux('exec env HISTFILE=/dev/null bash --norc');
    const shell = await lab.pane('user');
    // A shell that begins has no terminal of its own yet.
    await until('bash is in the foreground', () => foreground(shell)?.command === 'bash');
    expect(foreground(shell)).toMatchObject({ pid: shell.pane_pid, command: 'bash' });
    await lab.server.command(`send-keys -t ${shell.pane} 'sleep 1000' Enter`);
    const server = lab;
    await until('sleep runs in the pane', async () => (await server.pane('user')).command === 'sleep');
    const pane = await lab.pane('user');
    const agent = foreground(pane);
    expect(agent?.command).toBe('sleep');
    expect(agent?.pid).not.toBe(pane.pane_pid);
    expect(ancestors(agent?.pid)[0]).toBe(pane.pane_pid);
  });
});
