import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../test/support/processes.ts';
import { Mcp } from './mcp.ts';

const OUT = process.env['MAM_BENCH_OUT'] ?? '';
/** The program under test: a copy of dist/. */
export const MAM = join(OUT, 'dist', 'main.js');
const COMMANDS_AT_ONCE = 40;

/** A program of the bench itself, bundled. */
export function programPath(name: string): string {
  return join(OUT, 'programs', `${name}.mjs`);
}

/** A floor: a plain program. */
export function floorPath(name: string): string {
  return resolve('bench', 'floor', name);
}

/** A home, a project, a tmux server and processes of their own; `end` takes down what was started here, nothing else. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'mam-b-'));
  readonly home = join(this.folder, 'home');
  readonly project = join(this.folder, 'project');
  readonly registry = join(this.project, '.mam', 'jobs');
  readonly tmuxSocket = join(this.folder, `tmux-${userInfo().uid}`, 'bench');
  readonly env: NodeJS.ProcessEnv;
  readonly #servers: Mcp[] = [];
  readonly #children: ChildProcess[] = [];
  #tmuxPid: number | undefined;

  constructor() {
    for (const folder of [this.home, this.registry, join(this.tmuxSocket, '..')])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.env = {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      HOME: this.folder,
      MAM_HOME: this.home,
      TMUX_TMPDIR: this.folder,
      TMUX_SERVER_NAME: 'bench',
    };
    labs.add(this);
  }

  /** A started MCP server: `mam`, unless another program is named. */
  async server(program: string[] = [MAM]): Promise<Mcp> {
    const server = new Mcp(program, this.env, this.project);
    this.#servers.push(server);
    await server.initialize();
    return server;
  }

  /** A child process with a channel for messages. */
  fork(program: string, args: string[]): ChildProcess {
    const child = fork(program, args, { env: this.env, cwd: this.project, execArgv: [] });
    this.#children.push(child);
    return child;
  }

  spawn(command: string, args: string[]): ChildProcess {
    const child = spawn(command, args, {
      env: this.env,
      cwd: this.project,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    return child;
  }

  tmux(...args: string[]): string {
    const all = ['-f', '/dev/null', '-S', this.tmuxSocket, ...args];
    return execFileSync('tmux', all, { env: this.env, encoding: 'utf8' });
  }

  /** Makes detached sessions that run one command each. */
  sessions(names: string[], command: (name: string) => string): void {
    for (let first = 0; first < names.length; first += COMMANDS_AT_ONCE) {
      const commands = names
        .slice(first, first + COMMANDS_AT_ONCE)
        .map((name) => ['new-session', '-d', '-s', name, '-x', '120', '-y', '40', command(name)]);
      this.tmux(...commands.flatMap((words, index) => (index === 0 ? words : [';', ...words])));
    }
    this.#tmuxPid ??= Number(this.tmux('display-message', '-p', '#{pid}'));
  }

  get tmuxPid(): number {
    return this.#tmuxPid ?? 0;
  }

  /** The hub that runs now, by its own word. */
  hub(): { pid: number; socket: string; realm: string; host: string } {
    return JSON.parse(readFileSync(join(this.home, 'hub.json'), 'utf8'));
  }

  async end(): Promise<void> {
    labs.delete(this);
    await Promise.all(this.#servers.map((server) => server.end()));
    for (const child of this.#children) await ended(child);
    await this.endHub();
    if (this.#tmuxPid !== undefined && isRunning(this.#tmuxPid)) this.tmux('kill-server');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** Ends our hub: asked first, killed after 5 s. */
  async endHub(): Promise<void> {
    let pid: number;
    try {
      ({ pid } = this.hub());
    } catch {
      return;
    }
    if (!isRunning(pid)) return;
    process.kill(pid, 'SIGTERM');
    for (let waited = 0; isRunning(pid); waited += 10) {
      if (waited === 5_000) process.kill(pid, 'SIGKILL');
      if (waited > 10_000) throw new Error(`the hub ${pid} does not end`);
      await sleep(10);
    }
  }
}

const labs = new Set<Lab>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled([...labs].map((lab) => lab.end())).then(() => process.exit(1));
  });
}

/** Runs a bench in a lab of its own, which is taken down whatever happens. */
export async function inLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = new Lab();
  try {
    return await work(lab);
  } finally {
    await lab.end();
  }
}

/** Waits until a condition holds. @throws after `ms` */
export async function until<T>(what: string, look: () => T | undefined | false, ms = 10_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) {
    const found = look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`waited ${ms} ms in vain until ${what}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
