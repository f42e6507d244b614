import { LIMITS } from './limits.ts';
import { cleanLine } from './text.ts';

/**
 * What is typed into the pane. At most 3 lines and 700 characters, because Claude Code hands longer pastes to its
 * model as untrusted text; the first line begins with a plain word, because `!` and `/` are commands there.
 * @param mam how the peer can call the command line
 * @param taskFile absolute path of the task
 */
export function composeOrder(jobId: string, prompt: string, mam: string, taskFile: string): string {
  const order = `Job ${jobId} was delegated to you by another agent: call the MCP tool publish_event (server mam) with job_id "${jobId}" and event "started"; its answer holds your task and working folder.`;
  const shell = `Without that tool run: ${mam} publish --job ${jobId} --event started`;
  const id = `Use only this id, none of an earlier run: ${jobId}`;
  const end = 'Report completed or error when you end, with the same id.';

  const task = `The task: ${cleanLine(prompt, LIMITS.orderChars)}`;
  if (fitsWhole(prompt)) {
    const whole = [order, `${task} (${shell}. ${end})`, id].join('\n');
    if (whole.length <= LIMITS.orderChars) return whole;
  }
  const pointer = [order, `${shell} and read ${taskFile}. ${end}`, id].join('\n');
  if (pointer.length <= LIMITS.orderChars) return pointer;
  // A path too long for the paste: the answer to `started` names the file as well.
  return [order, `${shell}. ${end}`, id].join('\n').slice(0, LIMITS.orderChars);
}

/**
 * Only a task that survives the paste byte for byte goes in whole: one line without tabs or controls, and without joiners,
 * which some programs leave out.
 */
function fitsWhole(prompt: string): boolean {
  const harmless = prompt.length < LIMITS.orderChars && prompt === cleanLine(prompt, LIMITS.orderChars);
  return harmless && !/[\u034f\u200c\u200d]/.test(prompt);
}
