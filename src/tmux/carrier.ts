import {
  commandLineOf,
  exists,
  family,
  foregroundGroup,
  openFiles,
  readsTerminal,
  type TerminalProcess,
} from '../processes.ts';
import { isCarrier, isShell } from './process.ts';

const LINUX = process.platform === 'linux';

/** The open files of a process, where the system tells. */
type Files = Map<string, string> | undefined;

/** The file behind the ruling end of another terminal. */
const RULING_END = /^\/dev\/(?:pts\/)?ptmx$/;
const SHELL_OPTION_WITH_VALUE = /^(?:[-+][oO]|--rcfile|--init-file|-C|--init-command)$/;

/**
 * Why what is typed into a pane might not stay with the program in its foreground: that carries another terminal, in
 * which a shell may be, or a shell reads along. Its name proves nothing, so its open files and children are looked at.
 * @param pane its first process, and the program in its foreground
 * @returns nothing when all of it lives on the pane's own terminal, as an agent that reads its keys itself
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
    const files = LINUX ? openFiles(one.pid) : undefined;
    const why = otherTerminal(one, own, files) ?? (one.group === front ? throughItself(one) : undefined);
    if (why !== undefined) return why;
  }
  return undefined;
}

function otherTerminal(one: TerminalProcess, own: string | undefined, files: Files): string | undefined {
  if (one.terminal !== undefined && one.terminal !== own)
    return `${titleOf(one)} runs in another terminal behind it`;
  if (files === undefined)
    return LINUX && exists(one.pid) ? `what ${titleOf(one)} has open cannot be seen` : undefined;
  return [...files.values()].some((file) => RULING_END.test(file))
    ? `${titleOf(one)} holds another terminal open`
    : undefined;
}

/** A carrier to another machine or container holds no terminal here: only its name tells. */
function throughItself(one: TerminalProcess): string | undefined {
  if (!readsTerminal(one.pid)) return undefined;
  if (one.names.some(isCarrier)) return `${titleOf(one)} carries another terminal`;
  return one.names.some(isShell) && readsCommands(commandLineOf(one.pid) ?? [])
    ? `the shell ${titleOf(one)} reads what is typed`
    : undefined;
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
