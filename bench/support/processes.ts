import { readdirSync, readFileSync } from 'node:fs';
import { isRunning } from '../../test/support/processes.ts';

/** Fields of /proc/PID/stat from the third on. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Resident memory, in MB. */
export function rss(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** CPU time so far, in ms, of all threads; finer than the ticks of /proc/PID/stat. */
export function cpuMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((all, one) => all + one, 0) / 1e6;
}

/** CPU time of a process's ended children, in ms (in ticks of 10 ms). */
export function childrenCpuMs(pid: number): number {
  const fields = stat(pid);
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** All living descendants of a process. */
export function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...(isRunning(child) ? descendants(child) : [])]);
}

/**
 * Detects whether processes started children: by the living ones, and by the page faults of those that have been reaped
 * (each that ran anything has some).
 */
export function childTrace(pids: number[]): string {
  return JSON.stringify(pids.map((pid) => [descendants(pid).length, stat(pid)[8]]));
}
