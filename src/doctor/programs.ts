import { execa } from 'execa';
import { findProgram } from '../base/find-program.ts';
import { cleanLine } from '../base/text.ts';
import type { Surroundings } from '../install/client.ts';
import { endGroup, keep } from './groups.ts';

type Env = Surroundings['env'];

/** How a program ended. */
export interface Ended {
  /** Undefined when it could not be started or was ended by us. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** Its time was over. */
  late: boolean;
}

const VERSION_MS = 5_000;
const VERSION_CHARS = 60;
const OUTPUT_CHARS = 100_000;

/** The programs on the PATH, and what they say of themselves; each is asked once. */
export class Programs {
  readonly #env: Env;
  readonly #versions = new Map<string, Promise<string | undefined>>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** The path of a program, looked for as a shell does. */
  find(name: string): string | undefined {
    return findProgram(name, this.#env['PATH']);
  }

  /** The first line of what a program says to `flag`, or undefined when it says nothing in 5 s. */
  version(name: string, flag: string): Promise<string | undefined> {
    let asked = this.#versions.get(name);
    if (asked === undefined) {
      asked = this.#ask(name, flag);
      this.#versions.set(name, asked);
    }
    return asked;
  }

  /**
   * Runs a program that only looks.
   * @param limitMs after this time its whole group is ended
   * @param more variables for its environment
   */
  async run(
    file: string,
    args: string[],
    limitMs: number,
    { signal, env }: { signal?: AbortSignal; env?: Record<string, string> } = {},
  ): Promise<Ended> {
    const child = execa(file, args, {
      // This one may have been removed.
      cwd: '/',
      env: { ...this.#env, ...env } as Record<string, string>,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      maxBuffer: OUTPUT_CHARS,
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
      cleanup: false,
    });
    const { pid } = child;
    let late = false;
    const end = (): void => {
      late = true;
      if (pid !== undefined) endGroup(pid);
      // A tmux server that is stopped holds the streams of its client, which has sent them over.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    if (pid !== undefined) keep(pid);
    const timer = setTimeout(end, limitMs);
    signal?.addEventListener('abort', end, { once: true });
    try {
      const { exitCode, stdout, stderr } = await child;
      return { code: exitCode, stdout, stderr, late };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (pid !== undefined) endGroup(pid);
    }
  }

  async #ask(name: string, flag: string): Promise<string | undefined> {
    const path = this.find(name);
    if (path === undefined) return undefined;
    const { code, stdout } = await this.run(path, [flag], VERSION_MS);
    const line = cleanLine(stdout.split('\n').find((one) => one.trim() !== '') ?? '', VERSION_CHARS);
    return code === 0 && line !== '' ? line : undefined;
  }
}

/** The numbers of a version in a text, such as `2.1.330` of `2.1.330 (Claude Code)`. */
export function numberIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+[a-z]?/.exec(text)?.[0];
}

/** True when `version` is `least` or newer, by its numbers; a letter behind them is left out. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, number] of (want ?? []).entries()) {
    const mine = have?.[index] ?? 0;
    if (mine !== number) return mine > number;
  }
  return true;
}
