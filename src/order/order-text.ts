import { takesTask } from '../agents/index.ts';
import { composeOrder } from '../job/order.ts';
import type { JobRecord } from '../job/record.ts';
import { readPrompt } from './prompt-file.ts';

/**
 * The text typed for a job's agent. It is always the same, because a new hub has to find it on the screen.
 * @param file of the job's prompt
 * @param prompt if the caller has it
 * @throws MamError as `readPrompt`, if the file is needed
 */
export function orderText(record: JobRecord, file: string, prompt?: string): string {
  const { agent, typing } = record;
  // Every user of the machine can read a command line.
  const hidden = typing?.argument === true || !takesTask(agent, typing);
  const task = hidden ? undefined : (prompt ?? readPrompt(record, file));
  return composeOrder(record, { prompt: task, taskFile: file });
}
