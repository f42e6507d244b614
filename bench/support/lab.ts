import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Lab } from '../../test/support/lab.ts';
import type { LabServer } from '../../test/support/lab-server.ts';

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

/** A lab from the tests for the program under test, with many sessions and processes. */
export class BenchLab extends Lab {
  #tmuxPid = 0;

  constructor(env: Record<string, string> = {}) {
    super(env);
    for (const folder of [this.home, this.registry]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    // For floors, and for programs in panes.
    this.expected.push(/^(journal\.(sock|jsonl)|panes\.sock)$/);
    labs.add(this);
  }

  /** Starts an MCP server: `mam`, unless another program is named. */
  server(program: string[] = [MAM]): Promise<LabServer> {
    return this.startServer({}, { clientName: 'bench', program });
  }

  /** A child process with a channel for messages. */
  fork(program: string, args: string[]): ChildProcess {
    return this.keep(fork(program, args, { env: this.env, cwd: this.project, execArgv: [] }));
  }

  spawn(command: string, args: string[]): ChildProcess {
    const stdio = ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'];
    return this.keep(spawn(command, args, { env: this.env, cwd: this.project, stdio }));
  }

  /** Makes detached sessions that run one command each. */
  async startSessions(names: string[], command: string): Promise<void> {
    for (let first = 0; first < names.length; first += COMMANDS_AT_ONCE) {
      const some = names.slice(first, first + COMMANDS_AT_ONCE);
      for (const name of some) this.sessions.add(name);
      const size = ['-x', '120', '-y', '40'];
      await this.tmux(
        ...some.flatMap((name, index) => [
          ...(index === 0 ? [] : [';']),
          ...['new-session', '-d', '-s', name, ...size, command],
        ]),
      );
    }
    this.#tmuxPid ||= Number(await this.tmux('display-message', '-p', '#{pid}'));
  }

  get tmuxPid(): number {
    return this.#tmuxPid;
  }

  override async end(failed = false, graceMs?: number): Promise<void> {
    labs.delete(this);
    await super.end(failed, graceMs);
  }
}

const labs = new Set<BenchLab>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled([...labs].map((lab) => lab.end())).then(() => process.exit(1));
  });
}

/** Runs a bench in its own lab, which is removed whatever happens. */
export async function inLab<T>(
  work: (lab: BenchLab) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> {
  const lab = new BenchLab(env);
  try {
    return await work(lab);
  } finally {
    await lab.end();
  }
}
