import type { ClaimReply } from '../job/event.ts';
import { isFinal, type Status } from '../job/words.ts';

/** The hub's answer to a report, but for the next step. */
export function reportView(type: string, jobId: string, reply: ClaimReply) {
  const { accepted, recorded, seq, status, task, task_file, task_next_offset, workdir } = reply;
  return {
    summary: summarize(type, jobId, reply),
    accepted,
    recorded,
    seq,
    status,
    task,
    task_file,
    task_next_offset,
    workdir,
    messages: reply.messages ?? [],
  };
}

function summarize(type: string, jobId: string, { accepted, recorded, status, amended }: ClaimReply): string {
  if (!accepted && recorded && status !== undefined && !isFinal(status as Status))
    return `Recorded ${type} for job ${jobId}, which is now ${status}. Its task cannot be given: see next.`;
  if (!accepted) return `The event was refused: job ${jobId} is ${status ?? 'not known'}.`;
  return recorded
    ? `Recorded ${type} for job ${jobId}, which is now ${status ?? 'open'}.${amended === undefined ? '' : ` ${amended}`}`
    : 'The event is kept on disk and will be delivered by itself.';
}
