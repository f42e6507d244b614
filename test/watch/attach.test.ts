import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { TmuxServer } from '../../src/tmux/control.ts';
import { quote } from '../../src/tmux/quote.ts';
import { collect } from '../support/command.ts';
import type { Lab } from '../support/lab.ts';
import { sharing, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

/** A person's terminal outside of the lab's tmux: a pane of another tmux server, which runs one command after another. */
class Outside implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #socket: string;
  /** One client types and looks: a process for each look costs more than what is tested. */
  readonly #server: TmuxServer;

  private constructor(lab: Lab, socket: string) {
    this.#lab = lab;
    this.#socket = socket;
    this.#server = new TmuxServer(socket);
  }

  static async open(lab: Lab): Promise<Outside> {
    const outside = new Outside(lab, join(lab.folder, 'outside'));
    const shell = 'exec env -u TMUX -u TMUX_PANE HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i';
    const size = ['-x', '100', '-y', '30'];
    await outside.#process('new-session', '-d', '-s', 'outside', ...size, '-c', lab.project, shell);
    await outside.#tmux('set-option', '-g', 'prefix', 'C-q');
    // Keys within a millisecond, as a test presses them, would pass for a paste, in which the prefix is a letter.
    await lab.tmux('set-option', '-g', 'assume-paste-time', '0');
    return outside;
  }

  /** Runs a command of mam, or of tmux on the lab's server. */
  async run(program: 'mam' | 'tmux', ...words: string[]): Promise<void> {
    const command = program === 'mam' ? [process.execPath, PROGRAM] : ['tmux', '-S', this.#lab.socket];
    await this.type(`clear; ${[...command, ...words].join(' ')}; echo "it ended: $?"`);
    await this.press('Enter');
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '-t', 'outside', text);
  }

  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', 'outside', ...keys);
  }

  async shows(wanted: string | RegExp): Promise<string> {
    let screen = '';
    const holds = async (): Promise<string | false> => {
      screen = (await this.#tmux('capture-pane', '-p', '-t', 'outside')).join('\n');
      return (typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen)) && screen;
    };
    return until(`it shows ${wanted}`, holds).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${screen}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.#process('kill-server');
    rmSync(this.#socket, { force: true });
  }

  #tmux(command: string, ...words: string[]): Promise<string[]> {
    return this.#server.command([command, ...words.map(quote)].join(' '));
  }

  async #process(...words: string[]): Promise<void> {
    const env = { ...this.#lab.env, TERM: 'xterm-256color' };
    const { child, ended } = collect(
      spawn('tmux', ['-f', '/dev/null', '-S', this.#socket, ...words], { env }),
    );
    child.stdin.end();
    expect(await ended).toMatchObject({ code: 0 });
  }
}

describe('attaching', () => {
  sharing('from the board: it makes room, and is back when the person detaches', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const onPeer = new RegExp(`^\\[${peer.session}\\]`, 'm');
    const { job_id: id } = await server.delegate(peer);
    await using outside = await Outside.open(lab);
    await outside.run('mam', 'watch');
    await outside.shows('screen, live');
    await outside.press('Enter');
    await outside.shows(onPeer);
    // Every key goes to the peer, none to the board.
    await outside.type('qqq');
    await until('the peer reads it', () => peer.keys.includes('qqq'));
    await outside.press('C-b', 'd');
    await outside.shows(`Back from ${peer.session}`);
    await outside.shows(`▸ ● working     ${id.slice(0, 8)}`);
    await outside.press('q');
    await outside.shows('it ended: 0');
  });

  sharing('by a job, the beginning of its id, and the name of a session', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { session: 'the-peer' });
    const { job_id: id } = await server.delegate(peer, { prompt: 'Sweep the chimney' });
    await using outside = await Outside.open(lab);
    for (const name of [id, 'sweep-the', 'the-peer', 'tmux:the-peer']) {
      await outside.run('mam', 'attach', name);
      await outside.shows(/^\[the-peer\]/m);
      await outside.press('C-b', 'd');
      await outside.shows('it ended: 0');
    }
  });

  sharing('inside the same tmux it switches, from the board and by command', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const onPeer = new RegExp(`^\\[${peer.session}\\]`, 'm');
    await server.delegate(peer);
    await lab.startSession('mine', 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
    await using outside = await Outside.open(lab);
    await outside.run('tmux', 'attach', '-t', 'mine');
    await outside.shows(/^\[mine\]/m);
    await outside.run('mam', 'attach', peer.session);
    await outside.shows(onPeer);
    await outside.press('C-b', 'L');
    await outside.shows(/^\[mine\]/m);
    await outside.run('mam', 'watch');
    await outside.shows('screen, live');
    await outside.press('a');
    await outside.shows(onPeer);
    await outside.press('C-b', 'L');
    await outside.shows('Switched to the session');
    await outside.press('q');
    await outside.shows('it ended: 0');
    await outside.press('C-b', 'd');
    await outside.shows('[detached');
  });

  sharing('a job whose session was renamed, not the stranger of its old name', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { session: 'before' });
    const { job_id: id } = await server.delegate(peer);
    await lab.tmux('new-window', '-t', '=before:', 'exec sleep 1000');
    lab.sessions.add('after');
    await lab.tmux('rename-session', '-t', '=before', 'after');
    await lab.startSession('before', 'exec sleep 1000');
    const told = JSON.parse((await lab.mam('attach', id, '--json')).stdout);
    expect(told).toMatchObject({
      target: 'tmux:after',
      summary: `The agent of job ${id} is in tmux:after.`,
    });
    expect(told.attach_command).toMatch(new RegExp(`attach -t ${peer.pane}$`));
    await using outside = await Outside.open(lab);
    await outside.run('mam', 'attach', id);
    await outside.shows(/^\[after\]/m);
    expect(await lab.tmux('display-message', '-p', '-t', '=after:', '#{pane_id}')).toBe(peer.pane);
    await outside.press('C-b', 'd');
    await outside.shows('[detached');
  });

  test('as JSON, and what is wrong with each name', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { session: 'the peer' });
    const { job_id: id } = await server.delegate(peer);
    const { job_id: human } = await server.ask('delegate_job', { prompt: 'Bring the key', agent: 'human' });
    const json = await lab.mam('attach', id, '--json');
    const command = `tmux -S ${lab.socket} attach -t ${peer.pane}`;
    expect(JSON.parse(json.stdout)).toEqual({
      summary: `The agent of job ${id} is in tmux:the peer.`,
      job_id: id,
      target: 'tmux:the peer',
      attach_command: command,
      next: command,
    });
    expect(json.code).toBe(0);
    const bare = await lab.mam('attach', id);
    expect(bare).toMatchObject({ code: 69, stdout: '', stderr: expect.stringContaining(`run: ${command}`) });
    expect(await lab.mam('attach', 'nobody')).toMatchObject({
      code: 69,
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
    expect(gone.stderr).toContain(
      `Pane ${peer.pane} of job ${id}, in session the peer, is gone. Live sessions: other.`,
    );
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
