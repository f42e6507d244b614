import { execFileSync, type StdioOptions } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { systemCode } from './errors.ts';
import { orElse } from './or-else.ts';

const LINUX = process.platform === 'linux';
/** Called by path, because the PATH of the process that started the hub may be bare. */
const PS = existsSync('/bin/ps') ? '/bin/ps' : 'ps';
const STTY = existsSync('/bin/stty') ? '/bin/stty' : 'stty';
/** The file behind a process's input if that is a terminal. */
const TERMINAL = /^\/dev\/(?:pts\/\d+|tty.*)$/;

/** When a process started, in the system's form (compare for equality only); undefined if it is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  if (LINUX) {
    const fields = stat(pid);
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  return ps(pid, 'state')?.startsWith('Z') === false ? ps(pid, 'lstart') : undefined;
}

/**
 * True while the process that started then is running: its id is in use, and it is not a zombie. Also true if we can't
 * know, for example without free file descriptors.
 * @param start as `startOf` returned it; empty if it was not known
 */
export function isRunning(pid: number, start: string): boolean {
  if (!exists(pid)) return false;
  const now = startOf(pid);
  if (now !== undefined) return start === '' || now === start;
  // The system shows us no process, not even our own.
  return startOf(process.pid) === undefined;
}

/** True for a process that a signal has stopped: it exists but does not run. */
export function isStopped(pid: number): boolean {
  return (LINUX ? stat(pid)?.[0] : ps(pid, 'state'))?.toUpperCase().startsWith('T') === true;
}

/** True while any process has this id; the cheapest check. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, but belongs to another user.
    return systemCode(error) === 'EPERM';
  }
}

/** Sends a signal to a process, or to a group if the id is negative; does nothing if it has ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  orElse(() => process.kill(pid, signal), false);
}

/** The ancestors of a process, nearest first, without itself. */
export function ancestors(pid: number = process.pid): number[] {
  const found: number[] = [];
  for (let next = pid; found.length < 100; ) {
    const parent = Number((LINUX ? stat(next)?.[1] : ps(next, 'ppid')) ?? 0);
    if (!(parent > 0)) break;
    found.push(parent);
    next = parent;
  }
  return found;
}

/** The descendants of a process, without itself. */
export function descendants(pid: number): number[] {
  const parents = LINUX ? parentsByProc() : parentsByPs();
  const found: number[] = [];
  for (let level = [pid]; level.length > 0; ) {
    level = [...parents].flatMap(([child, parent]) => (level.includes(parent) ? [child] : []));
    found.push(...level);
  }
  return found;
}

/** A process as its terminal sees it. */
export interface TerminalProcess {
  pid: number;
  parent: number;
  /** Its own name and, on Linux, its program's name if that differs. */
  names: string[];
  group: number;
  /** Its terminal, in the system's form (compare for equality only); absent: none. */
  terminal: string | undefined;
}

/** A process and its descendants, parents first. */
export function family(pid: number): TerminalProcess[] {
  if (!LINUX) return familyByPs(pid);
  const found: TerminalProcess[] = [];
  for (let level = [pid]; level.length > 0; ) {
    const here = level.flatMap((one) => terminalProcess(one) ?? []);
    found.push(...here);
    level = here.flatMap((one) => childrenOf(one.pid));
  }
  return found;
}

function terminalProcess(pid: number): TerminalProcess | undefined {
  const text = statText(pid);
  const fields = stat(pid, text);
  if (text === undefined || fields === undefined || fields[0] === 'Z') return undefined;
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const program = linkOf(`/proc/${pid}/exe`);
  return {
    pid,
    parent: Number(fields[1]),
    names: [name, ...(program === undefined ? [] : [basename(program)])],
    group: Number(fields[2]),
    terminal: fields[4] === '0' ? undefined : fields[4],
  };
}

/** Each thread has its own children. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch (error) {
    // If the process still exists, the kernel lacks these files.
    return systemCode(error) === 'ENOENT' && exists(pid)
      ? [...parentsByProc()].flatMap(([child, parent]) => (parent === pid ? [child] : []))
      : [];
  }
}

function familyByPs(pid: number): TerminalProcess[] {
  const rows = execFileSync(PS, ['-axo', 'pid=,ppid=,pgid=,tty=,comm='], { cwd: '/', encoding: 'utf8' });
  const all = rows
    .trim()
    .split('\n')
    .map((row): TerminalProcess => {
      const [id, parent, group, terminal = '', ...name] = row.trim().split(/\s+/);
      return {
        ...{ pid: Number(id), parent: Number(parent), group: Number(group), names: [name.join(' ')] },
        terminal: /^\?+$|^-$/.test(terminal) ? undefined : terminal,
      };
    });
  const found = all.filter((one) => one.pid === pid);
  for (const one of found)
    found.push(...all.filter((child) => child.parent === one.pid && !found.includes(child)));
  return found;
}

/** The ids of all processes; only on Linux. */
export function pids(): number[] {
  return LINUX ? readdirSync('/proc').map(Number).filter(Number.isInteger) : [];
}

/**
 * The processes of this user's that have their working folder in a folder, except this one; only on Linux.
 * @param folder absolute, links resolved
 */
export function processesIn(folder: string): number[] {
  return pids().filter((pid) => {
    const place = pid === process.pid ? undefined : linkOf(`/proc/${pid}/cwd`);
    return place === folder || place?.startsWith(`${folder}/`) === true;
  });
}

/** The environment that a process of ours was started with, as `NAME=value`; empty if the system does not show it. */
export function environmentOf(pid: number): string[] {
  return orElse(() => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'), []);
}

/**
 * The open files of a process, by number; only on Linux.
 * @returns undefined if we may not look, or if the process is gone
 */
export function openFiles(pid: number): Map<string, string> | undefined {
  const folder = `/proc/${pid}/fd`;
  const numbers = orElse(() => readdirSync(folder), undefined);
  return numbers && new Map(numbers.map((number) => [number, linkOf(`${folder}/${number}`) ?? '']));
}

/** True for a process whose input is a terminal. Only Linux shows that; elsewhere it is true for all. */
export function readsTerminal(pid: number): boolean {
  return !LINUX || TERMINAL.test(linkOf(`/proc/${pid}/fd/0`) ?? '');
}

/**
 * True where a process's terminal is in line mode: it keeps what is typed until a process reads it.
 * @returns undefined if the system does not show it
 */
export function isInLineMode({
  pid,
  terminal,
}: Pick<TerminalProcess, 'pid' | 'terminal'>): boolean | undefined {
  const path = LINUX ? linkOf(`/proc/${pid}/fd/0`) : `/dev/${terminal}`;
  if (path === undefined || !TERMINAL.test(path)) return undefined;
  let file: number | undefined;
  try {
    // It must neither become our own terminal nor block.
    file = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    const said = execFileSync(STTY, ['-a'], { cwd: '/', encoding: 'utf8', stdio: [file, 'pipe', 'ignore'] });
    return /(?<!-)\bicanon\b/.test(said);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function linkOf(path: string): string | undefined {
  return orElse(() => readlinkSync(path), undefined);
}

function parentsByProc(): Map<number, number> {
  return new Map(pids().map((pid) => [pid, Number(stat(pid)?.[1])]));
}

function parentsByPs(): Map<number, number> {
  const rows = execFileSync(PS, ['-axo', 'pid=,ppid='], { cwd: '/', encoding: 'utf8' }).trim().split('\n');
  return new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]));
}

/** The foreground process group of a process's terminal. */
export function foregroundGroup(pid: number): number | undefined {
  const group = LINUX ? stat(pid)?.[5] : ps(pid, 'tpgid');
  const id = Number(group);
  return Number.isInteger(id) && id > 0 ? id : undefined;
}

/** The command line of a process; undefined if it is gone. Outside Linux it is split at blanks. */
export function commandLineOf(pid: number): string[] | undefined {
  if (!LINUX) return ps(pid, 'args')?.split(/\s+/);
  const text = orElse(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '');
  return text.includes('\0') ? text.split('\0').slice(0, -1) : undefined;
}

/** The fields of /proc/PID/stat from the third (state) on; the second, the name, may contain anything. */
function stat(pid: number, text = statText(pid)): string[] | undefined {
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function statText(pid: number): string | undefined {
  return orElse(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), undefined);
}

/** Outside Linux only `ps` shows it. It runs when a pane is looked up, never for an event. */
function ps(pid: number, column: string): string | undefined {
  const args = ['-o', `${column}=`, '-p', String(pid)];
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  const run = () => execFileSync(PS, args, { cwd: '/', env: { LC_ALL: 'C' }, encoding: 'utf8', stdio });
  const text = orElse(run, '').trim();
  return text === '' ? undefined : text;
}
