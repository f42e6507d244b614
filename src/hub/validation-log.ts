import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { LogResult } from '../job/request.ts';
import { clean } from '../job/text.ts';
import type { LiveJob } from './live-job.ts';

/** How much of the output is given, in bytes. */
const MAX_BYTES = 16 * 1024;

/** The end of what a job's validation script has printed, harmless. */
export function validationLog({ record }: LiveJob): Pick<LogResult, 'validation_output' | 'validation_file'> {
  const file = join(record.log_dir, 'validate.log');
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return { validation_output: '' };
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, MAX_BYTES));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const text = clean(bytes.subarray(0, read).toString()).replace(/^\ufffd+/, '');
    return { validation_output: text, ...(size > bytes.length && { validation_file: file }) };
  } finally {
    closeSync(fd);
  }
}
