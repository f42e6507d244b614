import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import { inQuotes } from '../base/shell.ts';
import { isExecutable } from './script-hash.ts';

/** How much of a script is read to see what it is, in bytes. */
const HEAD_BYTES = 64 * 1024;
/** The magic number of a Linux program, the offset of its processor type, and the other type that x64 can run. */
const ELF = Buffer.from('\x7fELF', 'latin1');
const MACHINE_AT = 18;
const I386 = 3;
const BINFMT = '/proc/sys/fs/binfmt_misc';
/** Shells whose scripts bash can run. */
const SHELLS = ['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh'];

/**
 * How a script is started: directly if it is executable and either is a program or names its interpreter, otherwise
 * with bash. Anything that would keep it from running is found here, so that nobody mistakes it for a verdict.
 * @param path the submitter's PATH
 * @throws MamError `unavailable` with how to fix it: Windows line endings, another encoding, a missing interpreter
 */
export function scriptStart(script: string, path: string | undefined): { file: string; args: string[] } {
  const head = headOf(script);
  const first = /^#![^\n]*/.exec(head.toString('latin1'))?.[0];
  const isOwn = isExecutable(script) && (first !== undefined || head.includes(0));
  if (isUtf16(head))
    throw unfit(script, 'is UTF-16 text, which no shell reads', 'iconv -f UTF-16 -t UTF-8 -o NEW');
  if (head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) {
    const fix = `perl -pi -e 's/^\\xEF\\xBB\\xBF// if $. == 1'`;
    throw unfit(script, 'starts with a byte order mark, which hides its first line', fix);
  }
  const interpreter = first === undefined ? undefined : interpreterOf(first.replace(/\r$/, ''));
  const shell = interpreter === undefined || SHELLS.includes(basename(interpreter));
  if (first?.endsWith('\r') === true || (shell && !head.includes(0) && hasWindowsLines(head))) {
    const what = 'has Windows line endings (CR LF), which its interpreter does not understand';
    throw unfit(script, what, `perl -pi -e 's/\\r$//'`);
  }
  if (isOwn && isForeign(head)) {
    const what = `The script ${script} cannot run: it is not a program of this machine.`;
    throw new MamError('unavailable', what, 'Name a script, or build it for this machine.');
  }
  if (isOwn) {
    if (interpreter !== undefined && isMissing(interpreter, path)) {
      const what = `The script ${script} cannot run: its interpreter ${interpreter} is missing, or is not a program.`;
      const step = "Install it, or name another one on the script's first line.";
      throw new MamError('unavailable', what, step);
    }
    return { file: script, args: [] };
  }
  if (!shell)
    throw unfit(script, `is for ${interpreter}, but not executable, so bash would run it`, 'chmod +x');
  return { file: findProgram('bash', path) ?? '/bin/bash', args: [script] };
}

/** Checks a script that was just named. @throws MamError `bad_input` where `scriptStart` throws `unavailable` */
export function checkNamedScript(script: string, path: string | undefined): void {
  try {
    scriptStart(script, path);
  } catch (error) {
    throw error instanceof MamError ? new MamError('bad_input', error.message, error.hint) : error;
  }
}

/** @throws MamError `unavailable` for a missing working folder */
export function checkScriptFolder(workdir: string): void {
  if (statSync(workdir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const step = 'Create it again, or move it back.';
  throw new MamError('unavailable', `The working folder ${workdir} is missing.`, step);
}

const NOT_ALLOWED = 'permission denied for it, its interpreter or its working folder';
const NOTHING_FREE = 'the machine cannot start any more processes right now';
/** Why the system did not start a script, by the error's code. */
const NOT_STARTED: Readonly<Record<string, string>> = {
  ENOENT: 'it, its interpreter or its working folder is missing',
  ...{ EACCES: NOT_ALLOWED, EPERM: NOT_ALLOWED },
  ENOEXEC: 'it is not a program of this machine',
  ...{ EAGAIN: NOTHING_FREE, ENOMEM: NOTHING_FREE, EMFILE: NOTHING_FREE, ENFILE: NOTHING_FREE },
};

/** Why the system did not start a script, as the end of a sentence. */
export function whyNotStarted(error: unknown): string {
  const code = systemCode(error);
  return code === undefined ? 'the system gives no reason' : (NOT_STARTED[code] ?? code);
}

function headOf(script: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  let fd: number | undefined;
  try {
    fd = openSync(script, 'r');
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } catch (error) {
    const what = `The validation script ${script} cannot be read (${systemCode(error) ?? 'unknown error'}).`;
    throw new MamError('unavailable', what, 'Check the file.');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The program that a script's first line names; with `env`, the program that env looks up. */
function interpreterOf(line: string): string | undefined {
  const [program, ...words] = line.slice(2).trim().split(/\s+/);
  if (program === undefined || program === '') return undefined;
  if (basename(program) !== 'env') return program;
  return words.find((word) => !word.startsWith('-') && !word.includes('=')) ?? program;
}

function isMissing(interpreter: string, path: string | undefined): boolean {
  // One that is relative to the working folder may be created by the job.
  return (
    (isAbsolute(interpreter) || !interpreter.includes('/')) && findProgram(interpreter, path) === undefined
  );
}

/**
 * True for a binary that the system can't run: it would be passed to a shell, whose error would look like a verdict.
 * Outside Linux we can't tell.
 */
function isForeign(head: Buffer): boolean {
  if (process.platform !== 'linux' || head.subarray(0, 2).toString('latin1') === '#!') return false;
  const own = headOf(process.execPath);
  if (sameMachine(head, own)) return false;
  // The kernel lists emulators there.
  return !existsSync(BINFMT) || readdirSync(BINFMT).every((name) => name === 'register' || name === 'status');
}

function sameMachine(head: Buffer, own: Buffer): boolean {
  const isElf = head.subarray(0, 4).equals(ELF);
  if (!isElf || head.length < 20) return false;
  const machine = head.readUInt16LE(MACHINE_AT);
  return machine === own.readUInt16LE(MACHINE_AT) || (process.arch === 'x64' && machine === I386);
}

/** True if most lines end that way: a single one may belong to a text within the script. */
function hasWindowsLines(head: Buffer): boolean {
  const lines = head.toString('latin1').split('\n').slice(0, -1);
  return lines.filter((line) => line.endsWith('\r')).length * 2 > lines.length;
}

function isUtf16(head: Buffer): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

function unfit(script: string, what: string, command: string): MamError {
  return new MamError(
    'unavailable',
    `The script ${script} ${what}.`,
    `Fix it: ${command} ${inQuotes(script)}`,
  );
}
