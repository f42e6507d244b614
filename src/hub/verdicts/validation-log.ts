import { join } from 'node:path';
import { clean } from '../../base/text.ts';
import type { LogResult } from '../../operations/logs.ts';
import { tailOfForeign } from '../../trust/files.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** How much of the output is given, in bytes. */
const MAX_BYTES = 16 * 1024;

/** The end of what a job's validation script printed, cleaned; empty where its log is not a plain file. */
export function validationLog({ record }: LiveJob): Pick<LogResult, 'validation_output' | 'validation_file'> {
  const file = join(record.log_dir, 'validate.log');
  try {
    const { tail, size } = tailOfForeign(file, MAX_BYTES);
    const text = clean(tail.toString()).replace(/^\ufffd+/, '');
    return { validation_output: text, ...(size > tail.length && { validation_file: file }) };
  } catch {
    return { validation_output: '' };
  }
}
