import { readdirSync, readFileSync } from 'node:fs';

/** A running process that has a lab's folder in its command line or its environment. */
export interface LabProcess {
  pid: number;
  command: string;
}

/** Every process but this one that belongs to the lab with this folder. */
export function processesOf(folder: string): LabProcess[] {
  const found: LabProcess[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const belongs = command.includes(folder) || read(`/proc/${pid}/environ`).includes(folder);
    if (belongs) found.push({ pid, command });
  }
  return found;
}

/** True while a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
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
