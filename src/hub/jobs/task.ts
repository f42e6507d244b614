import { taskPage } from '../../job/task-text.ts';
import { readPrompt } from '../../order/prompt-file.ts';
import { taskFile } from '../../registry/paths.ts';
import type { LiveJob } from './live-job.ts';

/** The file with what a job's agent is to do. */
export function taskFileOf({ paths, record }: Pick<LiveJob, 'paths' | 'record'>): string {
  return taskFile(record, paths);
}

/**
 * A page of a job's prompt, with the offset of the next one and the file with the whole prompt.
 * @param offset UTF-16 unit to begin with
 * @throws MamError as `readPrompt`
 */
export function readTaskPage({ paths, record }: LiveJob, offset: number) {
  const file = taskFile(record, paths);
  const { page, next } = taskPage(readPrompt(record, file), offset);
  return { task: page, task_file: file, ...(next !== undefined && { task_next_offset: next }) };
}
