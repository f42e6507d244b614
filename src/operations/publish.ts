import { MamError } from '../base/errors.ts';
import { choice, count, list, maybe, text, truth } from '../base/fields.ts';
import type { ClaimReply } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import { isFinal, REPORT_TYPES, type Status } from '../job/words.ts';

export const publish = {
  fields: {
    job_id: text('id of the job, exactly as in your order', {
      completes: 'job',
      typed: 'the job; a unique beginning of its id will do in its project',
    }),
    event: choice(
      REPORT_TYPES,
      'started: you take the job; progress; question: you need an answer; permission_required: someone must allow something; completed: the work is done; error: it can not be done',
      { typed: `one of ${REPORT_TYPES.join(', ')}` },
    ),
    detail: maybe(
      text('one line or a short paragraph: what you did, ask, or why it failed', {
        max: LIMITS.detailChars,
      }),
    ),
    result: maybe(text('with completed: the whole result', { bytes: LIMITS.resultBytes })),
    files: maybe(
      list(
        text('', { max: LIMITS.fileChars }),
        'with completed: paths of the files that you made or changed',
        { max: LIMITS.files },
      ),
    ),
  },
  answer: {
    accepted: truth('false when the event was refused; next says why'),
    recorded: truth(
      "true when the event is in the job's journal; false when it was refused, or waits on disk to be delivered: then it need not be sent again",
    ),
    seq: maybe(count("number of the event in the job's journal")),
    status: maybe(text('status of the job after the event')),
    task: maybe(text('with started: your task, at most 16,000 characters of it')),
    task_file: maybe(text('file with the whole task')),
    task_next_offset: maybe(count('where the rest of a longer task begins; absent when task is whole')),
    workdir: maybe(text('with started: the folder to work in')),
    messages: list(text(), 'messages to read now'),
  },
};

/** What became of a claim that a publisher made. */
export type ClaimOutcome = (
  | { kind: 'answered'; reply: ClaimReply }
  /** On disk in the outbox, not yet in the journal; `why` is a sentence. */
  | { kind: 'kept'; why: string }
) & {
  /** What has been refused since of what was kept, a sentence for each. */
  earlier?: string[];
};

/** True for a report that ends the work: only there a result and files belong to it. */
export function takesResult(type: string): boolean {
  return type === 'completed' || type === 'error';
}

/** @param what was given, as the caller calls it @param type of the report that takes none */
export function noResult(what: string, type: string): MamError {
  return new MamError(
    'bad_input',
    `${what} counts only with completed or error, not with ${type}.`,
    'Leave it out, and give it with the report of the end.',
  );
}

/** The hub's answer to a report, but for the next step. */
export function reportView(type: string, jobId: string, reply: ClaimReply) {
  const { accepted, recorded, seq, status, task, task_file, task_next_offset, workdir } = reply;
  return {
    summary: summarize(type, jobId, reply),
    ...{ accepted, recorded, seq, status, task, task_file, task_next_offset, workdir },
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
