import { taskPage } from '../../job/task-text.ts';
import { readPrompt } from '../../order/prompt-file.ts';
import type { LiveJob } from './live-job.ts';

/**
 * A page of a job's prompt, with the offset of the next one and the file with the whole prompt.
 * @param offset UTF-16 unit to begin with
 * @throws MamError as `readPrompt`
 */
export function readTaskPage({ paths, record }: LiveJob, offset: number) {
  const { page, next } = taskPage(readPrompt(record, paths.prompt), offset);
  return { task: page, task_file: paths.prompt, ...(next !== undefined && { task_next_offset: next }) };
}
