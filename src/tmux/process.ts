import { family, foregroundGroup, readsTerminal, startOf } from '../processes.ts';

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

const SHELLS = new Set(
  'ash bash busybox csh dash elvish fish ion ksh ksh93 loksh mksh murex nu nushell oil osh oksh pdksh powershell pwsh rbash rc sh tcsh xonsh yash zsh'.split(
    ' ',
  ),
);

/** Programs that carry another terminal, with whatever is in its foreground: a shell behind them can't be seen. */
const CARRIERS = new Set(
  (
    'ssh mosh mosh-client autossh et rsh rlogin telnet dbclient tsh script expect sudo su doas run0 docker podman nerdctl ' +
    'kubectl oc lxc incus lxc-attach nsenter machinectl adb wsl session-manager-plugin tmux screen dtach abduco zellij ' +
    'minicom picocom cu socat nc ncat'
  ).split(' '),
);

/** True for the name of a program behind which a shell may be. */
export function isCarrier(command: string): boolean {
  return CARRIERS.has(command.slice(command.lastIndexOf('/') + 1).toLowerCase());
}

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

/**
 * The processes that read a pane's keys, those that started others first: the program in its foreground, and what that
 * has started (a wrapper), also in another terminal that it carries.
 */
export function keyReaders(pane: { pane_pid: number; command: string }): number[] {
  const front = foreground(pane)?.pid;
  const all = family(pane.pane_pid).filter(
    ({ pid, group }) => group === foregroundGroup(pid) && readsTerminal(pid),
  );
  const pids = all.map(({ pid }) => pid);
  return front === undefined || pids.includes(front) ? pids : [front, ...pids];
}

/** True while this very process runs: the id is in use, by a process that started then, and it is no zombie. */
export function isAlive({ pid, start }: ProcessId): boolean {
  return startOf(pid) === start;
}
