import { randomUUID } from 'node:crypto';
import { environmentOf, pids, sendSignal } from '../base/processes.ts';
import { CHECK_VARIABLES } from '../settings/table.ts';

/** The variable by which all that a script starts is known, in whichever session or group of its own that lives. */
const MARK = CHECK_VARIABLES.mark;
/** What is just starting another process while it is ended is looked for again, so many times at most. */
const PASSES = 20;

/** A mark for one run, which nobody can guess. */
export function newMark(): string {
  return randomUUID();
}

/** What carries a mark on to all that is started with it. */
export function markedWith(mark: string): Record<string, string> {
  return { [MARK]: mark };
}

/**
 * Ends a script with all that it started: its process group, and what has left that but carries its mark.
 * Elsewhere than on Linux only the group is found.
 */
export function endFamily(pid: number | undefined, mark: string): void {
  if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
  const entry = `${MARK}=${mark}`;
  for (let pass = 0; pass < PASSES; pass++) {
    const left = pids().filter((one) => one !== process.pid && environmentOf(one).includes(entry));
    if (left.length === 0) return;
    for (const one of left) sendSignal(one, 'SIGKILL');
  }
}
