import { taskPage } from '../../job/task-text.ts';
import { readPrompt } from '../../order/prompt-file.ts';
import type { LiveJob } from './live-job.ts';

/** A page of a job's prompt, with the offset of the next one and the file that has it whole. */
export interface TaskPage {
  task: string;
  task_file: string;
  task_next_offset?: number;
}

/** The page that the answer to `started` carries. @throws MamError as `readPrompt` */
export function firstTaskPage(job: LiveJob): TaskPage {
  return readTaskPage(job, 0);
}

/** @param offset UTF-16 unit to begin with @throws MamError as `readPrompt` */
export function readTaskPage(job: LiveJob, offset: number): TaskPage {
  const { page, next } = taskPage(readPrompt(job.record, job.paths.prompt), offset);
  return { task: page, task_file: job.paths.prompt, ...(next !== undefined && { task_next_offset: next }) };
}
