import { appendFileSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { explain, systemCode } from './errors.ts';
import { orElse } from './or-else.ts';
import { cleanLine } from './text.ts';

/** The log is rotated at this size, so that it cannot fill a disk. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const LINE_CHARS = 2_000;
/** A repeated line is written with its count after the first time (ms), which then doubles up to the second. */
const REPEATED_MS = 10_000;
const LONGEST_MS = 600_000;
/** How many lines are tracked for repeats. */
const KNOWN_LINES = 1_000;
/** Errors that mean that the process or the system has no free file descriptor. */
const NO_FILES: readonly string[] = ['EMFILE', 'ENFILE'];

/** The hub's own log: what happened to the hub, not to the jobs (that is in their journals). */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string, error?: unknown): void;
}

/** A log that appends lines `TIME LEVEL TEXT` to a file. Repeats of a line are only counted. It never throws. */
export function fileLog(path: string): Log {
  // Kept for when no more files can be opened, which must be logged too.
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
    if (repeated.size < KNOWN_LINES) reportRepeats(level, text, REPEATED_MS);
  };
  const reportRepeats = (level: string, text: string, ms: number): void => {
    const key = `${level} ${text}`;
    repeated.set(key, 0);
    setTimeout(() => {
      const count = repeated.get(key) ?? 0;
      repeated.delete(key);
      if (count === 0) return;
      append(level, `${text} (${count} more times)`);
      reportRepeats(level, text, Math.min(2 * ms, LONGEST_MS));
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
      // A full disk must not stop the hub, and there is nowhere else to report it.
    }
  };
  return {
    info: (text) => write('info', text),
    warn: (text) => write('warn', text),
    error: (text, error) => write('error', error === undefined ? text : `${text}: ${explain(error)}`),
  };
}
