import { sendSignal } from '../base/processes.ts';

/** What has to be undone, however this process ends. */
const duties = new Set<() => void>();
/** The duty of each process group that a check has started. */
const groups = new Map<number, () => void>();

/** Signals that end a command line, by their number. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Does something when this process ends, if not before. @returns what does it now */
export function atExit(duty: () => void): () => void {
  if (duties.size === 0) {
    process.once('exit', () => {
      for (const left of [...duties]) left();
    });
  }
  const once = (): void => {
    if (duties.delete(once)) duty();
  };
  duties.add(once);
  return once;
}

/** Takes care of a process group: it ends with this process at the latest. */
export function keep(leader: number): void {
  groups.set(
    leader,
    atExit(() => sendSignal(-leader, 'SIGKILL')),
  );
}

/** Ends what is left of a group, the grandchildren too. */
export function endGroup(leader: number): void {
  groups.get(leader)?.();
  groups.delete(leader);
}

/** Asks a group to end. */
export function askGroup(leader: number): void {
  sendSignal(-leader, 'SIGTERM');
}

/** Makes an interrupt go through `exit`, so that nothing of ours outlives it. @returns what takes that back */
export function endOnSignals(): () => void {
  const handlers = Object.entries(SIGNALS).map(([signal, number]) => {
    const handler = (): void => process.exit(128 + number);
    process.once(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
