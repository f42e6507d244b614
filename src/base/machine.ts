import { readFileSync } from 'node:fs';
import { orElse } from './or-else.ts';

/** What the system calls this machine, whatever its host name is by now; nothing where it has no name for it. */
export function machineId(): string {
  return orElse(() => readFileSync('/etc/machine-id', 'utf8').trim(), '');
}
