import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import { inQuotes } from '../base/shell.ts';
import { isExecutable } from './script-hash.ts';

/** How much of a script is read to see what it is, in bytes. */
const HEAD_BYTES = 64 * 1024;
/** How a Linux program begins, where it names its processor, and the one that x64 can run as well. */
const ELF = Buffer.from('\x7fELF', 'latin1');
const MACHINE_AT = 18;
const I386 = 3;
const BINFMT = '/proc/sys/fs/binfmt_misc';
/** Shells whose scripts bash can read. */
const SHELLS = ['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh'];

/**
 * How a script is started: itself where it is executable and a program or names its interpreter, else with bash. What
 * would keep it from running is found here, so that nobody takes that for a verdict.
 * @param path the submitter's PATH
 * @throws MamError `unavailable` with how to fix it: Windows line endings, another encoding, an interpreter that is missing
 */
export function scriptStart(script: string, path: string | undefined): { file: string; args: string[] } {
  const head = headOf(script);
  const first = /^#![^\n]*/.exec(head.toString('latin1'))?.[0];
  const isOwn = isExecutable(script) && (first !== undefined || head.includes(0));
  if (isUtf16(head))
    throw unfit(script, 'is UTF-16 text, which no shell reads', 'iconv -f UTF-16 -t UTF-8 -o NEW');
  if (head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) {
    const fix = `perl -pi -e 's/^\\xEF\\xBB\\xBF// if $. == 1'`;
    throw unfit(script, 'begins with a byte order mark, which hides its first line', fix);
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
      const what = `The script ${script} cannot run: its interpreter ${interpreter} is not there, or is not a program.`;
      const step = 'Install it, or name another one on the first line of the script.';
      throw new MamError('unavailable', what, step);
    }
    return { file: script, args: [] };
  }
  if (!shell)
    throw unfit(script, `is for ${interpreter}, and bash would read it: it is not executable`, 'chmod +x');
  return { file: findProgram('bash', path) ?? '/bin/bash', args: [script] };
}

/** The same for a script that is named now. @throws MamError `bad_input` where `scriptStart` throws `unavailable` */
export function checkNamedScript(script: string, path: string | undefined): void {
  try {
    scriptStart(script, path);
  } catch (error) {
    throw error instanceof MamError ? new MamError('bad_input', error.message, error.hint) : error;
  }
}

/** @throws MamError `unavailable` for a working folder that is not there */
export function checkScriptFolder(workdir: string): void {
  if (statSync(workdir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const step = 'Make it again, or bring it back to its place.';
  throw new MamError('unavailable', `The working folder ${workdir} is not there.`, step);
}

const NOT_ALLOWED = 'it, its interpreter or its working folder may not be used';
const NOTHING_FREE = 'the machine can start nothing more at the moment';
/** Why the system did not start a script, by the error's code. */
const NOT_STARTED: Readonly<Record<string, string>> = {
  ENOENT: 'it, its interpreter or its working folder is not there',
  ...{ EACCES: NOT_ALLOWED, EPERM: NOT_ALLOWED },
  ENOEXEC: 'it is not a program of this machine',
  ...{ EAGAIN: NOTHING_FREE, ENOMEM: NOTHING_FREE, EMFILE: NOTHING_FREE, ENFILE: NOTHING_FREE },
};

/** Why the system did not start a script, as the end of a sentence. */
export function whyNotStarted(error: unknown): string {
  const code = systemCode(error);
  return code === undefined ? 'the system does not say why' : (NOT_STARTED[code] ?? code);
}

function headOf(script: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  let fd: number | undefined;
  try {
    fd = openSync(script, 'r');
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } catch (error) {
    const what = `The validation script ${script} cannot be read (${systemCode(error) ?? 'unknown error'}).`;
    throw new MamError('unavailable', what, 'Look at its file.');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The program that a first line names; after `env`, the one that it looks for. */
function interpreterOf(line: string): string | undefined {
  const [program, ...words] = line.slice(2).trim().split(/\s+/);
  if (program === undefined || program === '') return undefined;
  if (basename(program) !== 'env') return program;
  return words.find((word) => !word.startsWith('-') && !word.includes('=')) ?? program;
}

function isMissing(interpreter: string, path: string | undefined): boolean {
  // One that is named from the working folder may come with the work.
  return (
    (isAbsolute(interpreter) || !interpreter.includes('/')) && findProgram(interpreter, path) === undefined
  );
}

/**
 * True for a binary that the system can't run: it would be given to a shell, whose complaint would pass for a verdict.
 * Elsewhere than on Linux nothing is known of it.
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

/** True where most lines end so: a single one may be in a text within the script. */
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
