import { basename } from 'node:path';
import { identify, type ProcessId, UNSEEN } from '../base/process-id.ts';
import { family, foregroundGroup, readsTerminal } from '../base/processes.ts';
import type { PaneInfo } from './pane-info.ts';

/** The agent in a pane: leader of the foreground process group of the pane's terminal. */
export interface AgentProcess extends ProcessId {
  /** The name tmux gives it (`pane_current_command`). */
  command: string;
}

const SHELLS =
  /^(?:ash|bash|busybox|csh|dash|elvish|fish|ion|ksh|ksh93|loksh|mksh|murex|nu|nushell|oil|osh|oksh|pdksh|powershell|pwsh|rbash|rc|sh|tcsh|xonsh|yash|zsh)(?:\.exe)?$/i;
/** Programs that carry another terminal: a shell in that can't be seen. */
const CARRIERS =
  /^(?:ssh|mosh|mosh-client|autossh|et|rsh|rlogin|telnet|dbclient|tsh|script|expect|sudo|su|doas|run0|docker|podman|nerdctl|kubectl|oc|lxc|incus|lxc-attach|nsenter|machinectl|adb|wsl|session-manager-plugin|tmux|screen|dtach|abduco|zellij|minicom|picocom|cu|socat|nc|ncat)$/i;

export function isCarrier(command: string): boolean {
  return CARRIERS.test(basename(command));
}

/** True for the name of a shell, also a login shell (`-bash`) or one by its path. What is typed there would be run. */
export function isShell(command: string): boolean {
  return SHELLS.test(basename(command).replace(/^-+/, ''));
}

type Inside = Pick<PaneInfo, 'pane_pid' | 'command'> & Partial<Pick<PaneInfo, 'visible'>>;

/**
 * The process in the foreground of a pane, read from the system, not from tmux.
 * @returns undefined if the pane's process is gone or can't be seen, or its foreground group has lost its leader
 */
export function foreground(pane: Inside): AgentProcess | undefined {
  const pid = pane.visible === false ? undefined : foregroundGroup(pane.pane_pid);
  const process = pid === undefined ? undefined : identify(pid);
  return process === undefined || process.start === '' ? undefined : { ...process, command: pane.command };
}

/**
 * Says that a shell is in the foreground. A script that started the agent without `exec` waits for it, and would read what
 * is typed once the agent has ended: tmux could not tell the two apart at the time of the paste.
 */
export function shellInFront(pane: Inside): string {
  const shell = `a shell (${pane.command}) is in the foreground`;
  const front = pane.visible === false ? undefined : foregroundGroup(pane.pane_pid);
  const inner = family(pane.pane_pid).find(
    ({ pid, group, names }) => group === front && pid !== front && !names.some(isShell) && readsTerminal(pid),
  );
  if (front === undefined || inner === undefined) return shell;
  return `${shell}: it has started ${inner.names[0]} and stays around it. Put \`exec\` before that command in the script, and start the agent again`;
}

/** The agent in a pane whose processes can't be seen from here, as tmux names it. */
export function unseenAgent({ pane_pid: pid, command }: Inside): AgentProcess {
  return { pid, start: '', ns: UNSEEN, command };
}

/**
 * The processes that read a pane's keys, parents first: the program in its foreground and, if that is a wrapper, what it
 * has started, also in another terminal that it carries.
 */
export function keyReaders(pane: Inside): number[] {
  if (pane.visible === false) return [];
  const front = foreground(pane)?.pid;
  const all = family(pane.pane_pid).filter(
    ({ pid, group }) => group === foregroundGroup(pid) && readsTerminal(pid),
  );
  const pids = all.map(({ pid }) => pid);
  return front === undefined || pids.includes(front) ? pids : [front, ...pids];
}
