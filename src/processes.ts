import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { systemCode } from './errors.ts';

const LINUX = process.platform === 'linux';

/** When a process started, as the system says it (compare for equality only); nothing when it is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  if (LINUX) {
    const fields = stat(pid);
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  return ps(pid, 'state')?.startsWith('Z') === false ? ps(pid, 'lstart') : undefined;
}

/** True for a process that a signal has stopped: it lives, and does nothing. */
export function isStopped(pid: number): boolean {
  return (LINUX ? stat(pid)?.[0] : ps(pid, 'state'))?.toUpperCase().startsWith('T') === true;
}

/** True while a process has this id, whichever it is; the cheapest look there is. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to another user.
    return systemCode(error) === 'EPERM';
  }
}

/** The parents of a process, nearest first, itself not among them. */
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

/** The processes that a process has started, and theirs, itself not among them. */
export function descendants(pid: number): number[] {
  const parents = LINUX ? parentsByProc() : parentsByPs();
  const found: number[] = [];
  for (let level = [pid]; level.length > 0; ) {
    level = [...parents].flatMap(([child, parent]) => (level.includes(parent) ? [child] : []));
    found.push(...level);
  }
  return found;
}

function parentsByProc(): Map<number, number> {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return new Map(pids.map((pid) => [pid, Number(stat(pid)?.[1])]));
}

function parentsByPs(): Map<number, number> {
  const rows = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]));
}

/** The foreground process group of the terminal that a process lives on. */
export function foregroundGroup(pid: number): number | undefined {
  const group = LINUX ? stat(pid)?.[5] : ps(pid, 'tpgid');
  const id = Number(group);
  return Number.isInteger(id) && id > 0 ? id : undefined;
}

/** The command line of a process; nothing when it is gone. Elsewhere than on Linux, words are told apart by blanks. */
export function commandLineOf(pid: number): string[] | undefined {
  if (!LINUX) return ps(pid, 'args')?.split(/\s+/);
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return words.length === 0 ? undefined : words;
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat from the third (state) on; the second, the name, may hold anything. */
function stat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Elsewhere than on Linux only `ps` tells; it is asked when a pane is looked up, never on the way of an event. */
function ps(pid: number, column: string): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
      env: { LC_ALL: 'C' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}
