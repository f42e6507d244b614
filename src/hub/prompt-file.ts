import { MamError } from '../errors.ts';
import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';
import { sha256 } from './compose-job.ts';

/**
 * A job's task, as it was delegated. Its file lies in a project, where other peers can write: a task that was changed
 * would be obeyed by this one, in the name of whoever delegated it.
 * @throws MamError `io` when it can't be read, `refused` when it is another one
 */
export function readPrompt(
  { job_id: id, prompt_sha256: hash }: Pick<JobRecord, 'job_id' | 'prompt_sha256'>,
  file: string,
): string {
  let prompt: string;
  try {
    prompt = readForeign(file);
  } catch (error) {
    throw new MamError('io', `The task of job ${id} cannot be read from ${file}.`, '', { cause: error });
  }
  if (sha256(prompt) === hash) return prompt;
  throw new MamError(
    'refused',
    `The task of job ${id} in ${file} is not the one that was delegated: it was changed.`,
    'Report error, or delegate it anew.',
  );
}
