import { closeSync, createWriteStream, openSync, readFileSync } from 'node:fs';
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
const LOOK = [
  ...['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'],
  // A partial clone would fetch what it lacks, with the transport that it names.
  ...['-c', 'protocol.allow=never'],
];
const LOOK_ENV = { GIT_NO_LAZY_FETCH: '1' };

/** Where git is looked for, and what its programs run with. */
export interface GitEnvironment {
  /** Without effect are its own variables of git (GIT_…): they would lead to another repository. */
  env: Readonly<Record<string, string>>;
  /** Variables of git that this command needs, such as another index. */
  git?: Readonly<Record<`GIT_${string}`, string>> | undefined;
  /** What git reads. */
  input?: string | Buffer | undefined;
  /** The most that it may print; 8 MiB where absent. */
  mostBytes?: number | undefined;
  /** Ends a look. */
  stop?: AbortSignal | undefined;
  /** Called with the process id, for a command that changes something also its group. */
  started?: ((pid: number) => void) | undefined;
}

/** True if git can be run. */
export function hasGit({ env }: GitEnvironment): boolean {
  return findProgram('git', env['PATH']) !== undefined;
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
export async function lookGit(folder: string, args: readonly string[], how: GitEnvironment): Promise<GitEnd> {
  const { stdout, ...end } = await lookGitBytes(folder, args, how);
  return { ...end, stdout: stdout.toString() };
}

/** The same for what may not be UTF-8: names and contents of files. @throws MamError as `lookGit` */
export function lookGitBytes(
  folder: string,
  args: readonly string[],
  how: GitEnvironment,
): Promise<Omit<GitEnd, 'stdout'> & { stdout: Buffer }> {
  const git = { ...LOOK_ENV, ...how.git };
  return run(folder, [...LOOK, ...args], { ...how, git }, { timeout: LOOK_TIMEOUT_MS });
}

/**
 * Has git change something, with the hooks of the repository. It is never asked for a password or a text, and goes on if
 * this process ends: half a change is worse than one that nobody waits for.
 * @throws MamError as `lookGit`; there is no time limit: a hook may take long
 */
export async function actGit(folder: string, args: readonly string[], how: GitEnvironment): Promise<GitEnd> {
  const { stdout, ...end } = await run(folder, args, how, { cleanup: false, detached: true });
  return { ...end, stdout: stdout.toString() };
}

/**
 * The same for a command that must reach its end even if this process is killed: what it prints goes to a file, because
 * git does not outlive a pipe that nobody reads.
 * @param file absolute; it is made private (0600), and both outputs are in it
 * @throws MamError as `actGit`, the system's error if the file can't be made
 */
export async function actGitInto(
  file: string,
  folder: string,
  args: readonly string[],
  how: GitEnvironment,
): Promise<GitEnd> {
  const output = openSync(file, 'w', 0o600);
  try {
    const { code } = await run(folder, args, how, { cleanup: false, detached: true, output });
    return { code, stdout: '', stderr: readFileSync(file, 'utf8') };
  } finally {
    closeSync(output);
  }
}

/** What git printed when something failed, as one line for people. */
export function gitWords({ stderr, stdout, code }: GitEnd): string {
  const words = cleanLine(stderr.trim() || stdout.trim(), WORDS_CHARS);
  return words === '' ? `git ended with ${code}` : words;
}

/** @returns the error for a command that git has refused */
export function refusal(end: GitEnd): MamError {
  const words = /dubious ownership/.test(end.stderr)
    ? 'the repository belongs to another user'
    : gitWords(end).replace(/^fatal: /, '');
  return new MamError('refused', words, 'Run git there by hand to see why.');
}

async function run(
  folder: string,
  args: readonly string[],
  { env, git: ofGit, input, mostBytes = MOST_BYTES, stop, started }: GitEnvironment,
  { output, ...options }: { timeout?: number; cleanup?: false; detached?: true; output?: number },
): Promise<Omit<GitEnd, 'stdout'> & { stdout: Buffer }> {
  const git = findProgram('git', env['PATH']);
  if (git === undefined)
    throw new MamError('unavailable', 'git is not installed, or not on the PATH.', 'Install git.');
  // Handed over as it is: nothing is copied by this process.
  const stream = output === undefined ? undefined : createWriteStream('', { fd: output, autoClose: false });
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  const child = execa(git, ['-C', folder, ...args], {
    // With GIT_EDITOR a merge takes git's own words; the language of messages is that of the texts we read.
    env: { ...own, LC_ALL: 'C.UTF-8', GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: ':', GIT_PAGER: 'cat', ...ofGit },
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    encoding: 'buffer',
    maxBuffer: mostBytes,
    ...(stream !== undefined && { stdout: stream, stderr: stream }),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    ...options,
    ...(stop !== undefined && { cancelSignal: stop }),
  });
  if (child.pid !== undefined) started?.(child.pid);
  const done = await child;
  if (done.timedOut || done.isMaxBuffer || done.exitCode === undefined) {
    const why = done.timedOut
      ? `did not end in ${(options.timeout ?? 0) / 1000} s`
      : done.isMaxBuffer
        ? `printed more than ${mostBytes / 1024 / 1024} MiB`
        : cleanLine(done.shortMessage ?? 'was ended', WORDS_CHARS);
    // What a look adds in front is not what was asked.
    const command = args.find((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-'));
    throw new MamError('unavailable', `git ${command} in ${folder}: ${why}.`, 'Run it there by hand.');
  }
  const [stdout, stderr] = [done.stdout, done.stderr].map((bytes) => Buffer.from(bytes ?? []));
  return { code: done.exitCode, stdout: stdout ?? Buffer.of(), stderr: stderr?.toString() ?? '' };
}
