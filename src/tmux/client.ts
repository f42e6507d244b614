import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { explain, MamError } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { ancestors } from '../base/processes.ts';
import { checkTmuxSocket } from '../trust/socket.ts';
import { type Block, FrameReader } from './frame.ts';
import { tidy } from './guests.ts';
import { tmuxPrograms } from './program.ts';
import { noteServer, outOfReach, serverOn } from './server-life.ts';
import {
  discard,
  type Hidden,
  hiddenName,
  leave,
  leaveAsLast,
  makeHidden,
  refusal,
  STAYS,
  setup,
  start,
} from './start.ts';

/** A tmux server that is silent for this long (ms) counts as stuck: the client is dropped, and the command fails. */
const SILENCE_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 1_000;
const OTHER_VERSION = /protocol version mismatch/;

interface Pending {
  subcommand: string;
  sentinel: string;
  lines: string[];
  error?: string;
  resolve(lines: string[]): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Creates the hidden session with the first tmux program that the server understands: its own version, or a close one. */
async function hide(socketPath: string): Promise<{ program: string; hidden: Hidden }> {
  const [first = 'tmux', ...others] = tmuxPrograms();
  for (let program = first; ; program = others.shift() ?? '') {
    try {
      return { program, hidden: await makeHidden(program, socketPath, hiddenName()) };
    } catch (error) {
      if (others.length === 0 || !OTHER_VERSION.test(explain(error))) throw error;
    }
  }
}

/** One running tmux control client. Created by `connect`; used once, never revived. */
export class ControlClient {
  readonly #child: ReturnType<typeof start>;
  readonly #program: string;
  readonly #socketPath: string;
  /** Unguessable, so that nothing a pane shows can be taken for the end of a command. */
  readonly #nonce = `@@${randomSuffix()}`;
  readonly #pending: Pending[] = [];
  #count = 0;
  #outgoing = '';
  #ended = false;
  #leaves = false;
  #greeted: ((failure?: string) => void) | undefined;
  #why = '';
  /** Resolves when the client is gone, for whatever reason. Never rejects. */
  readonly done: Promise<void>;

  private constructor(program: string, socketPath: string, hidden: Hidden, onNotice: (line: string) => void) {
    this.#program = program;
    this.#socketPath = socketPath;
    this.hidden = hidden;
    this.#child = start(program, socketPath, hidden);
    const frames = new FrameReader(
      (block) => this.#onBlock(block),
      (line) => {
        if (line.startsWith('%exit')) this.#why = line.slice('%exit'.length).trim();
        onNotice(line);
      },
    );
    const { stdin, stdout, stderr } = this.#child;
    // A client that ends closes its pipes: `done` reports the end, and an EPIPE adds nothing.
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
    stdout.setEncoding('utf8').on('data', (chunk: string) => frames.push(chunk));
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#why = chunk.trim().slice(0, 200);
    });
    this.done = this.#child.then((result) => this.#finish(result.code));
  }

  /**
   * Starts a client in the hidden session of a running tmux server.
   * @param socketPath absolute path of the server's socket
   * @param onNotice called with every notification line (`%…`)
   * @throws MamError `not_found` when no server runs there, `unavailable` when tmux is missing or refuses,
   * `refused` when the socket is another user's
   */
  static async connect(socketPath: string, onNotice: (line: string) => void): Promise<ControlClient> {
    checkTmuxSocket(socketPath);
    // Checked without a process: whoever waits for the server checks often.
    const lost = existsSync(socketPath) ? undefined : serverOn(socketPath);
    if (lost !== undefined) throw outOfReach(socketPath, lost);
    const { program, hidden } = await hide(socketPath);
    const client = new ControlClient(program, socketPath, hidden, onNotice);
    const failure = await new Promise<string | undefined>((resolve) => {
      client.#greeted = resolve;
    });
    if (failure !== undefined || client.#ended) {
      client.kill();
      throw refusal(socketPath, failure || client.#why);
    }
    // Checked before the pane's process can end: nothing else proves it as surely.
    client.seesProcesses = ancestors(hidden.panePid)[0] === hidden.server;
    await Promise.all(setup(hidden).map((command) => client.send(command)));
    await tidy((command) => client.send(command), hidden);
    if (client.seesProcesses) noteServer(socketPath, hidden.server);
    return client;
  }

  readonly hidden: Hidden;
  /** False if the server's processes are in another pid namespace than ours, so that their ids mean nothing here. */
  seesProcesses = false;

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True while no command waits for its answer. */
  get idle(): boolean {
    return this.#pending.length === 0;
  }

  /**
   * Runs one command line (`;` may join several). Commands sent in the same tick go out in one write, answered in order.
   * @returns the output lines of all its commands
   * @throws MamError `unavailable` naming the subcommand, when tmux refuses, ends or stays silent
   */
  send(command: string): Promise<string[]> {
    const subcommand = /^[a-z-]+/.exec(command)?.[0];
    // An empty line would detach the client; a second line would break the framing.
    if (subcommand === undefined || command.includes('\n')) {
      return Promise.reject(
        new MamError('internal', 'A tmux command must be one line that begins with its name.'),
      );
    }
    if (this.#ended) return Promise.reject(this.#lost(subcommand));
    return new Promise((resolve, reject) => {
      const sentinel = `${this.#nonce}${++this.#count}`;
      const timer = setTimeout(() => this.#silent(subcommand), SILENCE_TIMEOUT_MS);
      if (this.#pending.push({ subcommand, sentinel, lines: [], resolve, reject, timer }) === 1)
        this.#hold(true);
      if (this.#outgoing === '') queueMicrotask(() => this.#flush());
      this.#outgoing += `${command}\ndisplay-message -p ${sentinel}\n`;
    });
  }

  /** Ends the client; the hidden session ends with its last client. */
  async end(): Promise<void> {
    this.send(leave(this.hidden)).catch(() => {});
    this.#leaves = true;
    await this.#untilGone();
  }

  /** Ends the client and the hidden session, unless another client is in it: then `ended` stays false. */
  async endAsLast(): Promise<void> {
    this.#leaves = true;
    // Once the session is gone, the answer may never come.
    const [answer] = await this.send(leaveAsLast(this.hidden)).catch(() => []);
    if (answer === STAYS) this.#leaves = false;
    else await this.#untilGone();
  }

  async #untilGone(): Promise<void> {
    const backstop = setTimeout(() => {
      this.#leaves = false;
      this.kill();
    }, END_TIMEOUT_MS);
    await this.done;
    clearTimeout(backstop);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #flush(): void {
    const text = this.#outgoing;
    this.#outgoing = '';
    if (text !== '' && !this.#ended) this.#child.stdin.write(text);
  }

  #onBlock(block: Block): void {
    if (this.#greeted !== undefined) {
      this.#greeted(block.failed ? block.lines.join(' ') : undefined);
      this.#greeted = undefined;
      this.#hold(false);
      return;
    }
    const head = this.#pending[0];
    if (!block.ours || head === undefined) return;
    if (block.failed) head.error ??= block.lines.join(' ');
    else if (block.lines.length === 1 && block.lines[0] === head.sentinel) this.#answerHead(head);
    else head.lines.push(...block.lines);
  }

  #answerHead(head: Pending): void {
    this.#pending.shift();
    clearTimeout(head.timer);
    if (this.#pending.length === 0) this.#hold(false);
    if (head.error === undefined) head.resolve(head.lines);
    else head.reject(new MamError('unavailable', `tmux ${head.subcommand} failed: ${head.error}.`));
  }

  /** Keeps our process alive for an answer, but not for an idle client. */
  #hold(on: boolean): void {
    const stdout = this.#child.stdout as unknown as Socket;
    if (on) stdout.ref?.();
    else stdout.unref?.();
  }

  #silent(subcommand: string): void {
    this.#why = `it did not answer ${subcommand} for ${SILENCE_TIMEOUT_MS / 1000} s`;
    this.kill();
    this.#finish();
  }

  #finish(code?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (code === 'ENOENT') this.#why = 'ENOENT';
    if (!this.#leaves) discard(this.#program, this.#socketPath, this.hidden);
    this.#greeted?.(this.#why);
    this.#greeted = undefined;
    for (const entry of this.#pending.splice(0)) {
      clearTimeout(entry.timer);
      entry.reject(this.#lost(entry.subcommand));
    }
  }

  #lost(subcommand: string): MamError {
    const why = this.#why === '' ? '' : ` (${this.#why})`;
    return new MamError(
      'unavailable',
      `tmux ${subcommand} failed: the connection to ${this.#socketPath} ended${why}.`,
    );
  }
}
