import { MamError } from '../errors.ts';
import { taskPage } from '../job/text.ts';
import { readForeign } from '../trust/files.ts';
import type { LiveJob } from './live-job.ts';

/** A page of a job's prompt, with the offset of the next one and the file that has it whole. */
export interface TaskPage {
  task: string;
  task_file: string;
  task_next_offset?: number;
}

/** The page that the answer to `started` carries. @throws MamError `io` when the prompt can't be read */
export function firstTaskPage(job: LiveJob): TaskPage {
  return readTaskPage(job, 0);
}

/** @param offset UTF-16 unit to begin with */
export function readTaskPage(job: LiveJob, offset: number): TaskPage {
  let prompt: string;
  try {
    prompt = readForeign(job.paths.prompt);
  } catch (error) {
    throw new MamError('io', `The task of job ${job.id} cannot be read from ${job.paths.prompt}.`, '', {
      cause: error,
    });
  }
  const { page, next } = taskPage(prompt, offset);
  return { task: page, task_file: job.paths.prompt, ...(next !== undefined && { task_next_offset: next }) };
}
