import type { ChildProcess } from 'node:child_process';
import { isRunning } from '../processes.ts';
import { until } from '../until.ts';
import type { Hosts } from './hosts.ts';

export interface DaemonOptions {
  /** The host on which it runs. */
  host: string;
  name: string;
  /** Program and arguments; it stays in the foreground. */
  words: string[];
  env?: Record<string, string>;
  /** True once it serves. */
  isReady: () => boolean | Promise<boolean>;
  /** How long it may take to start, in ms; absent: as long as any wait. */
  startMs?: number;
}

/** A server program of a test: a child, with the signals that a test sends it. */
export class Daemon {
  readonly name: string;
  readonly #hosts: Hosts;
  readonly #with: DaemonOptions;
  /** What it printed since its first start. */
  output = '';
  #child: ChildProcess | undefined;

  constructor(hosts: Hosts, options: DaemonOptions) {
    this.name = options.name;
    this.#hosts = hosts;
    this.#with = options;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && isRunning(this.pid);
  }

  /** Starts it, and waits until it serves. @throws with what it printed if it ends instead */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const { host, name, words, env = {}, isReady, startMs } = this.#with;
    const child = this.#hosts.start(host, words, { ...this.#hosts.env, ...env });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    let error: Error | undefined;
    child.once('error', (why) => {
      error = why;
    });
    const isOver = () => error !== undefined || child.exitCode !== null || child.signalCode !== null;
    await until(`${name} serves`, async () => isOver() || (await isReady()), startMs);
    if (isOver()) throw new Error(`${name} ended: ${error?.message ?? this.output.slice(-2_000)}`);
  }

  /** Ends it as an administrator does. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Ends it as a crash does. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Stops it in the middle of whatever it does: its connections stay, and nothing answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((done) => child.once('exit', done));
    // One that is frozen takes no signal but SIGKILL.
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }
}
