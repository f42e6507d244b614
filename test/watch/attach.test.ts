import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as sharingLab, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

/** One server delegates all jobs of the shared lab. */
const sharing = sharingLab.extend<{ server: LabServer }>({
  server: [async ({ lab }, use) => use(await lab.startServer()), { scope: 'file' }],
});

/** A person's terminal outside of the lab's tmux: a pane of another tmux server, which runs one command after another. */
class Outside implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #socket: string;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#socket = join(lab.folder, 'outside');
    const shell = 'exec env -u TMUX -u TMUX_PANE HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i';
    this.#tmux('new-session', '-d', '-s', 'outside', '-x', '100', '-y', '30', '-c', lab.project, shell);
    this.#tmux('set-option', '-g', 'prefix', 'C-q');
  }

  /** Runs a command of mam, or of tmux on the lab's server. */
  run(program: 'mam' | 'tmux', ...words: string[]): void {
    const command = program === 'mam' ? [process.execPath, PROGRAM] : ['tmux', '-S', this.#lab.socket];
    this.type(`clear; ${[...command, ...words].join(' ')}; echo "it ended: $?"`);
    this.press('Enter');
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', '-t', 'outside', text);
  }

  press(...keys: string[]): void {
    this.#tmux('send-keys', '-t', 'outside', ...keys);
  }

  async shows(wanted: string | RegExp): Promise<string> {
    let screen = '';
    const holds = (): string | false => {
      screen = this.#tmux('capture-pane', '-p', '-t', 'outside');
      return (typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen)) && screen;
    };
    return until(`it shows ${wanted}`, holds).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${screen}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tmux('kill-server');
    rmSync(this.#socket, { force: true });
  }

  #tmux(...words: string[]): string {
    const options = { env: { ...this.#lab.env, TERM: 'xterm-256color' }, encoding: 'utf8' } as const;
    return execFileSync('tmux', ['-f', '/dev/null', '-S', this.#socket, ...words], options);
  }
}

describe('attaching', () => {
  sharing('from the board: it makes room, and is back when the person detaches', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const onPeer = new RegExp(`^\\[${peer.session}\\]`, 'm');
    const { job_id: id } = await server.delegate(peer);
    await using outside = new Outside(lab);
    outside.run('mam', 'watch');
    await outside.shows('screen, live');
    outside.press('Enter');
    await outside.shows(onPeer);
    // Every key goes to the peer, none to the board.
    outside.type('qqq');
    await until('the peer reads it', () => peer.keys.includes('qqq'));
    outside.press('C-b', 'd');
    await outside.shows(`Back from ${peer.session}`);
    await outside.shows(`▸ ● working     ${id.slice(0, 8)}`);
    outside.press('q');
    await outside.shows('it ended: 0');
  });

  sharing('by a job, the beginning of its id, and the name of a session', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { session: 'the-peer' });
    const { job_id: id } = await server.delegate(peer, { prompt: 'Sweep the chimney' });
    await using outside = new Outside(lab);
    for (const name of [id, 'sweep-the', 'the-peer', 'tmux:the-peer']) {
      outside.run('mam', 'attach', name);
      await outside.shows(/^\[the-peer\]/m);
      outside.press('C-b', 'd');
      await outside.shows('it ended: 0');
    }
  });

  sharing('inside the same tmux it switches, from the board and by command', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const onPeer = new RegExp(`^\\[${peer.session}\\]`, 'm');
    await server.delegate(peer);
    await lab.startSession('mine', 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
    await using outside = new Outside(lab);
    outside.run('tmux', 'attach', '-t', 'mine');
    await outside.shows(/^\[mine\]/m);
    outside.run('mam', 'attach', peer.session);
    await outside.shows(onPeer);
    outside.press('C-b', 'L');
    await outside.shows(/^\[mine\]/m);
    outside.run('mam', 'watch');
    await outside.shows('screen, live');
    outside.press('a');
    await outside.shows(onPeer);
    outside.press('C-b', 'L');
    await outside.shows('Switched to the session');
    outside.press('q');
    await outside.shows('it ended: 0');
    outside.press('C-b', 'd');
    await outside.shows('[detached');
  });

  test('as JSON, and what is wrong with each name', async ({ lab }) => {
    const peer = await lab.startPeer('mute', { session: 'the peer' });
    const server = await lab.startServer();
    const { job_id: id } = await server.delegate(peer);
    const { job_id: human } = await server.ask('delegate_job', { prompt: 'Bring the key', agent: 'human' });
    const json = await lab.mam('attach', id, '--json');
    const command = `tmux -S ${lab.socket} attach -t '=the peer'`;
    expect(JSON.parse(json.stdout)).toEqual({
      summary: `The agent of job ${id} is in tmux:the peer.`,
      job_id: id,
      target: 'tmux:the peer',
      attach_command: command,
      next: command,
    });
    expect(json.code).toBe(0);
    const bare = await lab.mam('attach', id);
    expect(bare).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(`type: ${command}`) });
    expect(await lab.mam('attach', 'nobody')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Live sessions: the peer.'),
    });
    expect(await lab.mam('attach', human)).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('has no session'),
    });
    await lab.startSession('other', 'sleep 1000');
    await lab.tmux('kill-session', '-t', '=the peer');
    const gone = await lab.mam('attach', id);
    expect(gone.code).toBe(69);
    expect(gone.stderr).toContain(`Session the peer of job ${id} is gone. Live sessions: other.`);
  });

  test.for([
    { how: 'is missing', program: undefined, says: 'tmux could not be started.' },
    { how: 'hangs', program: '#!/bin/sh\nexec /bin/sleep 1000\n', says: 'does not answer' },
  ])('where tmux $how it says so', async ({ program, says }, { lab }) => {
    const programs = join(lab.folder, 'p', 'programs');
    mkdirSync(programs);
    if (program !== undefined) lab.write('programs/tmux', program, 0o755);
    const { code, stderr } = await lab.start(['attach', 'codex'], { env: { PATH: programs } }).ended;
    expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining(says) });
  });
});
