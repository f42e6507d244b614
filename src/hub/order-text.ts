import { takesTask } from '../agents/index.ts';
import { composeOrder } from '../job/order.ts';
import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';

/**
 * The text that a job's agent is given: the same whenever it is asked for, as a new hub has to find it on the screen.
 * @param file of the job's prompt
 * @param prompt where it is at hand
 * @throws the system's error when the file is needed and can't be read
 */
export function orderText(
  { job_id: id, agent, typing }: Pick<JobRecord, 'job_id' | 'agent' | 'typing'>,
  file: string,
  prompt?: string,
): string {
  // Every user of the machine can read a command line.
  const hidden = typing?.argument === true || !takesTask(agent, typing);
  const task = hidden ? undefined : (prompt ?? readForeign(file));
  return composeOrder(id, { prompt: task, mam: typing?.mam ?? 'mam', taskFile: file });
}
