import { orElse } from '../base/or-else.ts';
import { tailOfForeign } from '../trust/files.ts';

/** How much of the end of a hub's log is searched, in bytes. */
const LOG_BYTES = 64 * 1024;

/** The errors in a hub's log since a time (ms since 1970), as lines; older ones than its last 64 KiB are left out. */
export function errorsIn(log: string, since: number): string[] {
  return tailOf(log, LOG_BYTES)
    .split('\n')
    .filter((line) => {
      const [time = '', level] = line.split(' ', 2);
      return level === 'error' && Date.parse(time) >= since;
    });
}

/** The end of a plain file as text, at most so many bytes of it; empty when there is no such file. */
export function tailOf(path: string, bytes: number): string {
  return orElse(() => tailOfForeign(path, bytes).tail.toString('utf8'), '');
}
