/** The process groups that checks have started and not yet ended. */
const groups = new Set<number>();

/** Signals that end a command line, by their number. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Takes care of a group: it ends with this process, however that ends. */
export function keep(leader: number): void {
  if (groups.size === 0) process.once('exit', endAll);
  groups.add(leader);
}

/** Ends what is left of a group, the grandchildren too. */
export function endGroup(leader: number): void {
  groups.delete(leader);
  send(leader, 'SIGKILL');
}

/** Asks a group to end. */
export function askGroup(leader: number): void {
  send(leader, 'SIGTERM');
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

function endAll(): void {
  for (const leader of [...groups]) endGroup(leader);
}

function send(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody of it is left.
  }
}
