import { environmentOf, pids, sendSignal } from '../base/processes.ts';
import { CHECK_VARIABLES } from '../settings/table.ts';

/** A process may start another one while it is ended: how often is looked again at most. */
const PASSES = 20;

/**
 * Ends a script with all that it started: its process group, and what has left that group but has its mark in the
 * environment. On systems other than Linux only the group is found.
 */
export function endFamily(pid: number | undefined, mark: string): void {
  if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
  const entry = `${CHECK_VARIABLES.mark}=${mark}`;
  for (let pass = 0; pass < PASSES; pass++) {
    const left = pids().filter((one) => one !== process.pid && environmentOf(one).includes(entry));
    if (left.length === 0) return;
    for (const one of left) sendSignal(one, 'SIGKILL');
  }
}
