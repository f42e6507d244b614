import { appendFileSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { explain, systemCode } from './errors.ts';
import { orElse } from './or-else.ts';
import { cleanLine } from './text.ts';

/** The log is rotated at this size, so that it cannot fill a disk. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const LINE_CHARS = 2_000;
/** A repeated line is written with its count after this time (ms), then after twice as long each time, up to the second. */
const REPEATED_MS = 10_000;
const LONGEST_MS = 600_000;
/** How many lines are remembered for that. */
const KNOWN_LINES = 1_000;
/** Errors of a process or a system without free file descriptors. */
const NO_FILES: readonly string[] = ['EMFILE', 'ENFILE'];

/** The hub's own log: what happened to the hub, not to the jobs (that is in their journals). */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string, error?: unknown): void;
}

/** A log that appends lines `TIME LEVEL TEXT` to a file, equal ones once and then their count. It never throws. */
export function fileLog(path: string): Log {
  // For when no more files can be opened, which must be logged too.
  const spare = orElse(() => openSync(path, 'a', 0o600), undefined);
  const repeated = new Map<string, number>();
  const write = (level: string, text: string): void => {
    const key = `${level} ${text}`;
    const count = repeated.get(key);
    if (count !== undefined) {
      repeated.set(key, count + 1);
      return;
    }
    append(level, text);
    if (repeated.size < KNOWN_LINES) tellLater(level, text, REPEATED_MS);
  };
  const tellLater = (level: string, text: string, ms: number): void => {
    const key = `${level} ${text}`;
    repeated.set(key, 0);
    setTimeout(() => {
      const count = repeated.get(key) ?? 0;
      repeated.delete(key);
      if (count === 0) return;
      append(level, `${text} (${count} times more)`);
      tellLater(level, text, Math.min(2 * ms, LONGEST_MS));
    }, ms).unref();
  };
  const append = (level: string, text: string): void => {
    const line = `${new Date().toISOString()} ${level} ${cleanLine(text, LINE_CHARS)}\n`;
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES)
        renameSync(path, `${path}.1`);
      appendFileSync(path, line, { mode: 0o600 });
    } catch (error) {
      if (spare !== undefined && NO_FILES.includes(systemCode(error) ?? ''))
        orElse(() => writeSync(spare, line), 0);
      // A full disk must not end the hub, and there is nowhere else to say it.
    }
  };
  return {
    info: (text) => write('info', text),
    warn: (text) => write('warn', text),
    error: (text, error) => write('error', error === undefined ? text : `${text}: ${explain(error)}`),
  };
}
