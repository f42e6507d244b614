import { execa } from 'execa';
import { findProgram } from '../base/find-program.ts';
import { cleanLine } from '../base/text.ts';
import type { Surroundings } from '../install/client.ts';
import { keepGroup } from './groups.ts';

interface Ended {
  /** Undefined when it could not be started or was ended by us. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  late: boolean;
}

const VERSION_MS = 5_000;
const VERSION_CHARS = 60;
const OUTPUT_CHARS = 100_000;

/** The programs on the PATH, and their versions; each is asked once. */
export class Programs {
  readonly #env: Surroundings['env'];
  readonly #versions = new Map<string, Promise<string | undefined>>();

  constructor(env: Surroundings['env']) {
    this.#env = env;
  }

  /** The path of a program, looked for as a shell does. */
  find(name: string): string | undefined {
    return findProgram(name, this.#env['PATH']);
  }

  /** The first line of what a program prints for this option, or undefined when it prints nothing in 5 s. */
  version(name: string, option = '-V'): Promise<string | undefined> {
    const asked = this.#versions.get(name) ?? this.#ask(name, option);
    this.#versions.set(name, asked);
    return asked;
  }

  /** Runs a program that only looks; after `limitMs` its whole group is ended. @param more for its environment */
  async run(
    file: string,
    args: string[],
    limitMs: number,
    more: Record<string, string> = {},
  ): Promise<Ended> {
    const child = execa(file, args, {
      // The current folder may have been removed.
      cwd: '/',
      env: { ...this.#env, ...more } as Record<string, string>,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      maxBuffer: OUTPUT_CHARS,
      // Its own process group, so that everything it starts can be ended with it.
      detached: true,
      cleanup: false,
    });
    const endGroup = keepGroup(child.pid);
    let late = false;
    const end = (): void => {
      late = true;
      endGroup();
      // A stopped tmux server holds the streams of its client, which passed them on.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(end, limitMs);
    try {
      const { exitCode, stdout, stderr } = await child;
      return { code: exitCode, stdout, stderr, late };
    } finally {
      clearTimeout(timer);
      endGroup();
    }
  }

  async #ask(name: string, option: string): Promise<string | undefined> {
    const path = this.find(name);
    if (path === undefined) return undefined;
    const { code, stdout } = await this.run(path, [option], VERSION_MS);
    const line = cleanLine(stdout.split('\n').find((one) => one.trim() !== '') ?? '', VERSION_CHARS);
    return code === 0 && line !== '' ? line : undefined;
  }
}

/** The version number in a text, such as `2.1.330` of `2.1.330 (Claude Code)`. */
export function numberIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+[a-z]?/.exec(text)?.[0];
}

/** True when `version` is `least` or newer, by its numbers; a letter after them is ignored. */
export function isAtLeast(version: string, least: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10));
  const have = numbers(version);
  for (const [index, number] of numbers(least).entries()) {
    const mine = have[index] ?? 0;
    if (mine !== number) return mine > number;
  }
  return true;
}
