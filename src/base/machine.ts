import { readFileSync } from 'node:fs';

/** What the system calls this machine, whatever its host name is by now; nothing where it has no name for it. */
export function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}
