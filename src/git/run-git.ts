import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import { cleanLine } from '../base/text.ts';

/** A look gives up after this time, in ms: longer than any status that was measured, so that only a hung disk meets it. */
const LOOK_TIMEOUT_MS = 60_000;
/** What git may print, in bytes; more ends it. */
const MOST_BYTES = 8 * 1024 * 1024;
const WORDS_CHARS = 300;

/**
 * A look runs nothing of the repository's: no hook, no file monitor, no other program for differences. It takes no lock,
 * so that it never disturbs a git command of the user's.
 */
const LOOK = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

/** Where git is looked for, and what its programs run with. */
export interface GitEnvironment {
  env: Readonly<Record<string, string>>;
  /** The most that it may print; 8 MiB where absent. */
  mostBytes?: number | undefined;
}

/** How a git command has ended. */
export interface GitEnd {
  /** 0 if it has done what was asked. */
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Asks git about a folder, and changes nothing.
 * @param args after `git`; each is one word, and no shell reads them
 * @throws MamError `unavailable` if git is missing, does not end in a minute or prints too much
 */
export function lookGit(folder: string, args: readonly string[], how: GitEnvironment): Promise<GitEnd> {
  return run(folder, [...LOOK, ...args], how, LOOK_TIMEOUT_MS);
}

/**
 * Has git change something, with the hooks of the repository. It is never asked for a password or a text.
 * @throws MamError as `lookGit`; there is no time limit: a hook may take long
 */
export function actGit(folder: string, args: readonly string[], how: GitEnvironment): Promise<GitEnd> {
  return run(folder, args, how);
}

/** What git printed when something failed, as one line for people. */
export function gitWords({ stderr, stdout, code }: GitEnd): string {
  const words = cleanLine(stderr.trim() || stdout.trim(), WORDS_CHARS);
  return words === '' ? `git ended with ${code}` : words;
}

async function run(
  folder: string,
  args: readonly string[],
  { env, mostBytes = MOST_BYTES }: GitEnvironment,
  timeoutMs?: number,
): Promise<GitEnd> {
  const git = findProgram('git', env['PATH']);
  if (git === undefined)
    throw new MamError('unavailable', 'git is not installed, or not on the PATH.', 'Install git.');
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  const done = await execa(git, ['-C', folder, ...args], {
    // With GIT_EDITOR a merge takes git's own words; the language of messages is that of the texts we read.
    env: { ...own, LC_ALL: 'C.UTF-8', GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: ':', GIT_PAGER: 'cat' },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
    maxBuffer: mostBytes,
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
  });
  if (done.timedOut || done.isMaxBuffer || done.exitCode === undefined) {
    const why = done.timedOut
      ? `did not end in ${(timeoutMs ?? 0) / 1000} s`
      : done.isMaxBuffer
        ? `printed more than ${mostBytes / 1024 / 1024} MiB`
        : cleanLine(done.shortMessage ?? 'was ended', WORDS_CHARS);
    throw new MamError('unavailable', `git ${args[0]} in ${folder}: ${why}.`, 'Run it there by hand.');
  }
  return { code: done.exitCode, stdout: done.stdout, stderr: done.stderr };
}
