import { environmentOf, pids, sendSignal } from '../base/processes.ts';
import { CHECK_VARIABLES } from '../settings/table.ts';

/** A process may start another one while it is being killed: the maximum number of passes. */
const PASSES = 20;

/**
 * Kills a script and everything it started: its process group, and processes that left the group but have its mark in
 * their environment. On systems other than Linux only the group is found.
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
