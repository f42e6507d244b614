import { readdirSync, readFileSync } from 'node:fs';

/** A running process that has a lab's folder in its command line or its environment. */
export interface LabProcess {
  pid: number;
  command: string;
}

/** Finds the processes of one lab: those that have its folder in their command line or their environment. */
export class Processes {
  readonly #folder: string;
  /** A process that is older than the lab is none of its own, and reading hundreds of them is slow. */
  readonly #after = newestPid();
  /** Processes that are not the lab's: what a process was started with does not change. */
  readonly #foreign = new Set<number>();

  /** @param folder the lab's own, made just now */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every running one but this. */
  get running(): LabProcess[] {
    // Once the numbers have begun anew, age cannot be told by them.
    const after = newestPid() < this.#after ? 0 : this.#after;
    const found: LabProcess[] = [];
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!(pid > after) || pid === process.pid || this.#foreign.has(pid)) continue;
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      if (command.includes(this.#folder) || read(`/proc/${pid}/environ`).includes(this.#folder)) {
        if (isRunning(pid)) found.push({ pid, command });
      } else this.#foreign.add(pid);
    }
    return found;
  }
}

/** The number that the newest process has. */
function newestPid(): number {
  return Number(read('/proc/loadavg').split(' ')[4]);
}

/** True while a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
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
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
