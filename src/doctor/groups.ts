import { sendSignal } from '../base/processes.ts';

/** What must be undone, however this process ends. */
const duties = new Set<() => void>();

/** Signals that end a command line, by their number. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Has something done when this process ends. @returns does it now instead */
export function atExit(duty: () => void): () => void {
  if (!process.listeners('exit').includes(endAll)) process.once('exit', endAll);
  const once = (): void => {
    if (duties.delete(once)) duty();
  };
  duties.add(once);
  return once;
}

/** Ends a process group at exit. @param leader undefined if it did not start @returns ends what is left of it now */
export function keepGroup(leader: number | undefined): () => void {
  return leader === undefined ? () => {} : atExit(() => sendSignal(-leader, 'SIGKILL'));
}

function endAll(): void {
  for (const left of duties) left();
}

/** Makes an interrupt go through `exit`, so that nothing of ours outlives it. @returns undoes that */
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
