import { readFileSync } from 'node:fs';
import { orElse } from './or-else.ts';

/** The system's id for this machine, which survives a change of host name; empty if there is none. */
export function machineId(): string {
  return orElse(() => readFileSync('/etc/machine-id', 'utf8').trim(), '');
}
