import { appendFileSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { explain, systemCode } from '../errors.ts';
import { cleanLine } from '../job/text.ts';

/** The log is rotated at this size, so that it can't fill a disk. */
const MAX_BYTES = 5 * 1024 * 1024;
const LINE_CHARS = 2_000;
/** Errors of a process, or a system, that has no file descriptor left. */
const NO_FILES: readonly string[] = ['EMFILE', 'ENFILE'];

/** The hub's own log: what happened to the hub, not to the jobs (that is in their journals). */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string, error?: unknown): void;
}

/** A log that appends lines `TIME LEVEL TEXT` to a file. Writing it never fails the caller. */
export function fileLog(path: string): Log {
  // For when no file can be opened any more: that must be said as well.
  const spare = open(path);
  const write = (level: string, text: string): void => {
    const line = `${new Date().toISOString()} ${level} ${cleanLine(text, LINE_CHARS)}\n`;
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`);
      appendFileSync(path, line, { mode: 0o600 });
    } catch (error) {
      if (spare !== undefined && NO_FILES.includes(systemCode(error) ?? '')) say(spare, line);
      // A full disk must not end the hub, and there is nowhere else to say it.
    }
  };
  return {
    info: (text) => write('info', text),
    warn: (text) => write('warn', text),
    error: (text, error) => write('error', error === undefined ? text : `${text}: ${explain(error)}`),
  };
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'a', 0o600);
  } catch {
    return undefined;
  }
}

function say(file: number, line: string): void {
  try {
    writeSync(file, line);
  } catch {
    // Nothing more can be done.
  }
}
