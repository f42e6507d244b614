import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { systemCode } from '../../../base/errors.ts';
import { cleanLine } from '../../../base/text.ts';
import { within } from '../../../base/within.ts';
import { frameChecker } from '../../../bus/frame-guard.ts';
import { sshAgentSocket } from '../../../settings/environment.ts';

/**
 * Nobody is there to type a password. A dead link is noticed after 10 s, and one whose other side never answers after 20 s,
 * which includes the agreement on keys.
 */
const OPTIONS = [
  ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'],
  ...['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=2', '-T'],
];
/** How much of the errors is kept, in characters, and how much of their last line is shown. */
const KEPT_CHARS = 4_000;
const SHOWN_CHARS = 300;
/** How long to wait for the reason of an end (ms), after the connection has been lost. */
const REASON_MS = 1_000;
/** How long ssh has to end by itself, in ms. */
const END_MS = 1_000;
/** The first byte that a broker sends: of a CONNACK. */
const CONNACK = 0x20;
/** Exit codes: of ssh itself, and of a shell that finds no such program, or may not run it. */
const SSH_FAILED = 255;
/** What ssh says before it has reached the other machine. */
const UNREACHED = /connect to host|timed out|not responding/i;
const NOT_FOUND: readonly (number | null)[] = [126, 127];
/** Exit code of a mam that does not know the command. */
const NOT_KNOWN = 64;

export interface SshTarget {
  name: string;
  ssh: string;
  mam?: string | undefined;
}

/** One ssh process that runs `mam hub connect` on another machine, as a stream. */
export class SshProcess {
  readonly stream: Duplex;
  readonly #target: SshTarget;
  readonly #child: ChildProcess;
  readonly #exit: Promise<string>;
  #errors = '';
  /** What the other machine's shell printed before mam did. */
  #noise: string | undefined;
  #isOver = false;

  constructor(target: SshTarget) {
    this.#target = target;
    const { ssh, mam = 'mam' } = target;
    // A process group of its own: what ssh starts, such as a proxy, ends with it.
    const child = spawn('ssh', [...OPTIONS, '--', ssh, `${mam} hub connect`], { detached: true });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-KEPT_CHARS);
    });
    this.#exit = new Promise((resolve) => {
      const over = (why: string): void => {
        this.#isOver = true;
        this.stream.destroy();
        resolve(why);
      };
      child.once('error', (error) => over(this.#notStarted(error)));
      child.once('close', (code, signal) => over(this.#why(code, signal)));
    });
    this.stream = this.#makeStream();
  }

  /** True if it has ended before it reached the other machine. */
  get isUnreached(): boolean {
    return this.#isOver && UNREACHED.test(this.#errors);
  }

  /** @returns why the process has ended, as a sentence; undefined while it runs */
  async ended(): Promise<string | undefined> {
    if (this.#noise !== undefined) return this.#noiseProblem(this.#noise);
    return within(this.#exit, REASON_MS);
  }

  /** Ends the process and what it has started. */
  async end(): Promise<void> {
    this.stream.destroy();
    this.#signal('SIGTERM');
    await within(this.#exit, END_MS);
    if (!this.#isOver) this.#signal('SIGKILL');
    await within(this.#exit, END_MS);
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#isOver || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      // It has just ended.
    }
  }

  #makeStream(): Duplex {
    const { stdin, stdout } = this.#child;
    let isFirst = true;
    const isSound = frameChecker();
    const stream = new Duplex({
      read: () => void stdout?.resume(),
      write: (chunk, _encoding, done) => {
        if (stdin === null || stdin.destroyed) done(new Error('connection closed'));
        else stdin.write(chunk, (error) => done(error));
      },
      final: (done) => {
        stdin?.end();
        done();
      },
      destroy: (error, done) => {
        stdin?.destroy();
        stdout?.destroy();
        done(error);
      },
    });
    stdin?.on('error', () => stream.destroy());
    stdout?.on('data', (chunk: Buffer) => {
      if (isFirst && chunk[0] !== CONNACK) {
        this.#noise = chunk.toString();
        stream.destroy();
        return;
      }
      isFirst = false;
      // MQTT.js would keep a message in memory until all of it is there, and no hub sends one that is so long.
      if (!isSound(chunk)) stream.destroy();
      else if (!stream.push(chunk)) stdout.pause();
    });
    stdout?.on('end', () => stream.push(null));
    stdout?.on('error', () => stream.destroy());
    return stream;
  }

  #notStarted(error: Error): string {
    return systemCode(error) === 'ENOENT'
      ? 'The program ssh was not found on the PATH of this hub.'
      : `ssh could not be started (${systemCode(error) ?? error.message}).`;
  }

  #why(code: number | null, signal: NodeJS.Signals | null): string {
    const { name, ssh, mam = 'mam' } = this.#target;
    const last = cleanLine(this.#errors.trimEnd().split('\n').at(-1) ?? '', SHOWN_CHARS);
    const said = last === '' ? '.' : `: ${/[.!?]$/.test(last) ? last : `${last}.`}`;
    if (NOT_FOUND.includes(code))
      return `${mam} was not found on ${name}${said} Put it on the PATH of non-interactive shells there, or set hosts.${name}.mam to its full path.`;
    if (code === NOT_KNOWN)
      return `${mam} on ${name} is too old for other hosts${said} Update it there, or set hosts.${name}.mam to the full path of a newer one.`;
    if (code === SSH_FAILED) return `ssh ${ssh} failed${said}${this.#agentProblem()}`;
    if (code === 0) return `The connection was ended by ${name}.`;
    return code === null
      ? `ssh ${ssh} was ended by ${signal ?? 'a signal'}.`
      : `mam hub connect on ${name} ended with ${code}${said}`;
  }

  #agentProblem(): string {
    const socket = sshAgentSocket();
    if (socket === undefined || existsSync(socket)) return '';
    return ' The ssh agent that this hub was started with is gone: run `mam hub restart` in a session that has one.';
  }

  #noiseProblem(noise: string): string {
    // What was sent to it may come back after that, from a program that is not mam.
    const shown = cleanLine(noise.trimStart().split('\n', 1)[0] ?? '', SHOWN_CHARS);
    return `The shell on ${this.#target.name} prints text before mam runs ("${shown}"): make it print nothing in non-interactive shells.`;
  }
}
