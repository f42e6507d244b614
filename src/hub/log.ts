import { appendFileSync, renameSync, statSync } from 'node:fs';
import { explain } from '../errors.ts';
import { cleanLine } from '../job/text.ts';

/** The log is turned over once at this size, so that it can't fill a disk. */
const MAX_BYTES = 5 * 1024 * 1024;
const LINE_CHARS = 2_000;

/** The hub's own log: what happened to the hub, not to the jobs (that is in their journals). */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string, error?: unknown): void;
}

/** A log that appends lines `TIME LEVEL TEXT` to a file. Writing it never fails the caller. */
export function fileLog(path: string): Log {
  const write = (level: string, text: string): void => {
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`);
      appendFileSync(path, `${new Date().toISOString()} ${level} ${cleanLine(text, LINE_CHARS)}\n`, {
        mode: 0o600,
      });
    } catch {
      // A full disk must not end the hub, and there is nowhere else to say it.
    }
  };
  return {
    info: (text) => write('info', text),
    warn: (text) => write('warn', text),
    error: (text, error) => write('error', error === undefined ? text : `${text}: ${explain(error)}`),
  };
}
