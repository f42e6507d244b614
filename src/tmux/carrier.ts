import {
  commandLineOf,
  exists,
  family,
  foregroundGroup,
  isInLineMode,
  openFiles,
  readsTerminal,
  type TerminalProcess,
} from '../base/processes.ts';
import { isCarrier, isShell } from './process.ts';

const LINUX = process.platform === 'linux';

/** The file behind the controlling end of another terminal. */
const CONTROLLING_END = /^\/dev\/(?:pts\/)?ptmx$/;
const SHELL_OPTION_WITH_VALUE = /^(?:[-+][oO]|--rcfile|--init-file|-C|--init-command)$/;

/**
 * Why text typed into a pane might not stay with the program in its foreground: that carries another terminal, which may
 * have a shell, or a shell reads along. Names prove nothing, so open files and children are checked.
 * @param pane its first process, and the program in its foreground
 * @returns undefined if everything is on the pane's own terminal, as with an agent that reads its keys itself
 */
export function carriedBy(pane: { pane_pid: number; agent: { pid: number } }): string | undefined {
  const all = family(pane.pane_pid);
  if (!all.some(({ pid }) => pid === pane.agent.pid)) all.push(...family(pane.agent.pid));
  const front = foregroundGroup(pane.pane_pid);
  const own = all[0]?.terminal;
  const inside = new Set<number>();
  for (const one of all) {
    if (one.group !== front && one.pid !== pane.agent.pid && !inside.has(one.parent)) continue;
    inside.add(one.pid);
    const why = otherTerminal(one, own) ?? (one.group === front ? throughItself(one) : undefined);
    if (why !== undefined) return why;
  }
  const behind = all.find((one) => !inside.has(one.pid) && one.terminal === own && takesCommands(one));
  const program = all.find(({ pid }) => inside.has(pid));
  return behind && leftToShell(behind, program);
}

/** In line mode the terminal keeps what the foreground program does not read, and the shell that started it reads that. */
function leftToShell(shell: TerminalProcess, program: TerminalProcess | undefined): string | undefined {
  const isKept = isInLineMode(shell);
  if (isKept === false) return undefined;
  const name = program === undefined ? 'the program' : titleOf(program);
  return isKept === undefined
    ? `the mode of the terminal of ${name} cannot be seen, and the shell ${titleOf(shell)} is behind it`
    : `the shell ${titleOf(shell)} will read what ${name} does not (the terminal is in line mode)`;
}

function otherTerminal(one: TerminalProcess, own: string | undefined): string | undefined {
  if (one.terminal !== undefined && one.terminal !== own)
    return `${titleOf(one)} runs in another terminal behind it`;
  const files = LINUX ? openFiles(one.pid) : undefined;
  if (files === undefined)
    return LINUX && exists(one.pid) ? `what ${titleOf(one)} has open cannot be seen` : undefined;
  return [...files.values()].some((file) => CONTROLLING_END.test(file))
    ? `${titleOf(one)} holds another terminal open`
    : undefined;
}

/** A program that leads to another machine or container has no other terminal here: only its name shows it. */
function throughItself(one: TerminalProcess): string | undefined {
  if (!readsTerminal(one.pid)) return undefined;
  if (one.names.some(isCarrier)) return `${titleOf(one)} carries another terminal`;
  return takesCommands(one) ? `the shell ${titleOf(one)} reads what is typed` : undefined;
}

function takesCommands({ pid, names }: TerminalProcess): boolean {
  return names.some(isShell) && readsTerminal(pid) && readsCommands(commandLineOf(pid) ?? []);
}

/** True for a shell's command line that names neither a script nor a command. */
function readsCommands([, ...words]: string[]): boolean {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (SHELL_OPTION_WITH_VALUE.test(word)) at++;
    else if (/^-[a-zA-Z]*s/.test(word)) return true;
    else if (/^-[a-zA-Z]*c/.test(word) || word.startsWith('--command') || !/^[-+]/.test(word)) return false;
  }
  return true;
}

function titleOf({ names: [name], pid }: TerminalProcess): string {
  return `${name} (process ${pid})`;
}
