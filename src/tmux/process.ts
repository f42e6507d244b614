import { readFileSync } from 'node:fs';
import { execaSync } from 'execa';

/** A process that can be told from a later one with the same id. */
export interface ProcessId {
  pid: number;
  /** When it started, as the system says it: compare for equality only. */
  start: string;
}

/** The agent in a pane: leader of the foreground process group of the pane's terminal. */
export interface AgentProcess extends ProcessId {
  /** The name tmux gives it (`pane_current_command`). */
  command: string;
}

const LINUX = process.platform === 'linux';

const SHELLS = new Set(
  'ash bash busybox csh dash elvish fish ion ksh ksh93 loksh mksh murex nu nushell oil osh oksh pdksh powershell pwsh rbash rc sh tcsh xonsh yash zsh'.split(
    ' ',
  ),
);

/** True for the name of a shell, also a login shell (`-bash`) or one by its path. What is typed there would be run. */
export function isShell(command: string): boolean {
  const name = command.slice(command.lastIndexOf('/') + 1).replace(/^-+/, '');
  return SHELLS.has(name.replace(/\.exe$/, '').toLowerCase());
}

/**
 * The process in the foreground of a pane, read from the system, not from tmux.
 * @param pane its `pane_pid`, and the `command` that tmux names
 * @returns nothing when the pane's process is gone or its foreground group has lost its leader
 */
export function foreground(pane: { pane_pid: number; command: string }): AgentProcess | undefined {
  const pid = foregroundGroup(pane.pane_pid);
  const start = pid === undefined ? undefined : startOf(pid);
  return pid === undefined || start === undefined ? undefined : { pid, start, command: pane.command };
}

/** The foreground process group of the terminal that a pane's process lives on. */
export function foregroundGroup(panePid: number): number | undefined {
  const group = LINUX ? stat(panePid)?.[5] : ps(panePid, 'tpgid');
  const id = Number(group);
  return Number.isInteger(id) && id > 0 ? id : undefined;
}

/** True while this very process runs: the id is in use, by a process that started then, and it is no zombie. */
export function isAlive({ pid, start }: ProcessId): boolean {
  return startOf(pid) === start;
}

/** When a process started, or nothing when it is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  if (LINUX) {
    const fields = stat(pid);
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  return ps(pid, 'state')?.startsWith('Z') === false ? ps(pid, 'lstart') : undefined;
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

/** The fields of /proc/PID/stat from the third (state) on; the second, the name, may hold anything. */
function stat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string | undefined {
  const { stdout, failed } = execaSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
    reject: false,
    env: { LC_ALL: 'C' },
  });
  const text = String(stdout).trim();
  return failed || text === '' ? undefined : text;
}
