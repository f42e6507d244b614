import { shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import { LIMITS } from './limits.ts';
import type { JobOrder } from './record.ts';

/** Only characters that no shell acts on: no quote, no operator, no expansion, no line break. */
const PLAIN = /^[\p{L}\p{N} _./:@%+,-]+$/u;
/** A path of such characters that is a single word. */
const PLAIN_PATH = /^[\p{L}\p{N}_./:@%+,-]+$/u;

/** What an order says in addition to the job's record. */
interface Task {
  /** The task, if the pane is known to be an agent's; elsewhere a shell might run it. */
  prompt: string | undefined;
  /** Absolute path of the task. */
  taskFile: string;
}

/**
 * What is typed into the pane. At most 3 lines and 700 characters, because Claude Code hands longer pastes to its
 * model as untrusted text; the first line begins with a plain word, because `!` and `/` are commands there. Without a
 * task, no line of it has a character that a shell acts on.
 */
export function composeOrder(
  { job_id: jobId, typing: { mam } = { mam: 'mam' } }: Pick<JobOrder, 'job_id' | 'typing'>,
  { prompt, taskFile }: Task,
): string {
  const id = `Use only this id, not one from an earlier job: ${jobId}`;
  const end = 'When you are done, report completed or error with the same id.';
  if (prompt === undefined) {
    const order = `Job ${jobId} was delegated to you: call the MCP tool publish_event of the server mam with job_id ${jobId} and event started. Its answer holds your task and working folder.`;
    const shell = withoutTool(jobId, plainCommand(mam));
    return pointer(order, shell, PLAIN_PATH.test(taskFile) ? taskFile : undefined, end, id);
  }
  const order = `Job ${jobId} was delegated to you: call the MCP tool publish_event (server mam) with job_id "${jobId}" and event "started"; its answer holds your task and working folder.`;
  const shell = withoutTool(jobId, mam);
  if (fitsWhole(prompt)) {
    const task = `The task: ${cleanLine(prompt, LIMITS.orderChars)}`;
    const whole = [order, `${task} (${shell}. ${end})`, id].join('\n');
    if (whole.length <= LIMITS.orderChars) return whole;
  }
  // A line break in the path would split the order's line.
  const file = cleanLine(taskFile, taskFile.length) === taskFile ? shellWord(taskFile) : undefined;
  return pointer(order, shell, file, end, id);
}

/** A command line that every shell reads in the same way: the real one, or else the usual name. */
export function plainCommand(mam = 'mam'): string {
  return PLAIN.test(mam) ? mam : 'mam';
}

function withoutTool(jobId: string, mam: string): string {
  return `Without that tool run: ${mam} publish --job ${jobId} --event started`;
}

/** Says where the task is. A path that is too long is left out: the answer to `started` names the file as well. */
function pointer(order: string, shell: string, file: string | undefined, end: string, id: string): string {
  if (file !== undefined) {
    const named = [order, `${shell} and read ${file}. ${end}`, id].join('\n');
    if (named.length <= LIMITS.orderChars) return named;
  }
  return [order, `${shell}. ${end}`, id].join('\n').slice(0, LIMITS.orderChars);
}

/**
 * Only a task that survives the paste byte for byte goes in whole: one line without tabs or controls, and without joiners,
 * which some programs drop.
 */
function fitsWhole(prompt: string): boolean {
  const harmless = prompt.length < LIMITS.orderChars && prompt === cleanLine(prompt, LIMITS.orderChars);
  return harmless && !/[\u034f\u200c\u200d]/.test(prompt);
}
