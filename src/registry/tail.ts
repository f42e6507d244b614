import { orElse } from '../base/or-else.ts';
import { tailOfForeign } from '../trust/files.ts';

/** How much of the end of a hub's log is searched, in bytes. */
const LOG_BYTES = 64 * 1024;

/** The error lines in the last 64 KiB of a hub's log since a time (ms since 1970). */
export function errorsIn(log: string, since: number): string[] {
  return tailOf(log, LOG_BYTES)
    .split('\n')
    .filter((line) => {
      const [time = '', level] = line.split(' ', 2);
      return level === 'error' && Date.parse(time) >= since;
    });
}

/** The last `bytes` bytes of a plain file as text; empty if there is no such file. */
export function tailOf(path: string, bytes: number): string {
  return orElse(() => tailOfForeign(path, bytes).tail.toString('utf8'), '');
}
