import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/** The prefix of every lab's folder. */
export const LABS = join(tmpdir(), 'mam-');

/** A running process that has a lab's folder in its command line or its environment. */
export interface LabProcess {
  pid: number;
  /** When it started, in ticks since boot: pids are reused, on a busy machine within minutes. */
  began: string;
  command: string;
}

/** Finds the processes of one lab: those that have its folder in their command line or their environment. */
export class Processes {
  /** Processes that belong to no lab: a process's command line and environment do not change. */
  static readonly #strangers = new Set<string>();
  readonly #folder: string;
  /** Processes that are not the lab's, with their start times. */
  readonly #foreign = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All running processes except this one. */
  get running(): LabProcess[] {
    const found: LabProcess[] = [];
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const [state, began] = stateOf(pid);
      const one = `${pid} ${began}`;
      if (state === undefined || began === undefined) continue;
      if (this.#foreign.has(one) || Processes.#strangers.has(one)) continue;
      const command = commandOf(pid);
      const environment = read(`/proc/${pid}/environ`);
      if (command.includes(this.#folder) || environment.includes(this.#folder)) {
        if (!/[ZX]/.test(state)) found.push({ pid, began, command });
      } else if (command.includes(LABS) || environment.includes(LABS)) this.#foreign.add(one);
      else Processes.#strangers.add(one);
    }
    return found;
  }
}

/** The command line of a process; empty for one that is gone. */
export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();

/** Waits until processes have ended: checking only these costs a hundredth of checking all. @throws after `ms` */
export function untilEnded(what: string, processes: readonly LabProcess[], ms: number): Promise<boolean> {
  const isOver = ({ pid, began }: LabProcess): boolean => {
    const [state, now] = stateOf(pid);
    return state === undefined || now !== began || /[ZX]/.test(state);
  };
  return until(what, () => processes.every(isOver), ms);
}

/** A process's state, as a letter, and its start, in ticks since boot; nothing if it is gone. */
function stateOf(pid: number): [state: string | undefined, began: string | undefined] {
  const stat = readStart(`/proc/${pid}/stat`);
  if (stat === '') return [undefined, undefined];
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [fields[0], fields[19]];
}

/** True while a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const [state] = stateOf(pid);
  return state !== undefined && !/[ZX]/.test(state);
}

/** Sends a signal to a process that may have ended meanwhile. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/** The process group of a process. */
export function groupOf(pid: number): number {
  const stat = readStart(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

/** Longer than any `stat`, in bytes. */
const start = Buffer.alloc(2_048);

/** The first 2 KB of a file: half the calls of `readFile`, and there are hundreds of processes to check. */
function readStart(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    return start.toString('latin1', 0, readSync(file, start));
  } catch {
    return '';
  } finally {
    closeSync(file);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
