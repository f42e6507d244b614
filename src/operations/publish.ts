import { MamError } from '../base/errors.ts';
import { choice, count, list, maybe, text, truth } from '../base/fields.ts';
import type { ClaimReply } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import { isFinal, REPORT_TYPES, type Status } from '../job/words.ts';

export const publish = {
  fields: {
    job_id: text('id of the job, exactly as in your order', {
      completes: 'job',
      typed: 'job id, its random part, or within its project a beginning of it that no other job has',
    }),
    event: choice(
      REPORT_TYPES,
      'started: you accept the job; progress; question: you need an answer; permission_required: someone must allow something; completed: the work is done; error: it cannot be done',
      { typed: `one of ${REPORT_TYPES.join(', ')}` },
    ),
    detail: maybe(
      text('one line or a short paragraph: what you did, ask, or why it failed', { max: LIMITS.detailChars }),
    ),
    result: maybe(text('with completed: the whole result', { bytes: LIMITS.resultBytes })),
    files: maybe(
      list(
        text('', { max: LIMITS.fileChars }),
        'with completed: paths of the files that you created or changed',
        { max: LIMITS.files },
      ),
    ),
  },
  answer: {
    accepted: truth('false when the event was refused; next says why'),
    recorded: truth(
      "true when the event is in the job's journal; false when it was refused, or is kept on disk for delivery and need not be sent again",
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

/** The outcome of a publisher's claim. */
export type ClaimOutcome = (
  | { kind: 'answered'; reply: ClaimReply }
  /** On disk in the outbox, not yet in the journal; `why` is a sentence. */
  | { kind: 'kept'; why: string }
) & {
  /** The kept claims that have been refused since, one sentence each. */
  earlier?: string[];
};

/** True for a report that ends the work: only these take a result and files. */
export function takesResult(type: string): boolean {
  return type === 'completed' || type === 'error';
}

/** The error for a result in a report that takes none. @param what its name, as the caller knows it */
export function noResult(what: string, type: string): MamError {
  return new MamError(
    'bad_input',
    `${what} is accepted only with completed or error, not with ${type}.`,
    'Leave it out, and send it with the final report.',
  );
}

/** The answer to a report, without the next step. */
export function reportView(type: string, jobId: string, reply: ClaimReply) {
  const { accepted, recorded, seq, status, task, task_file, task_next_offset, workdir } = reply;
  return {
    summary: summarize(type, jobId, reply),
    ...{ accepted, recorded, seq, status, task, task_file, task_next_offset, workdir },
    messages: reply.messages ?? [],
  };
}

const STATES: Readonly<Record<Status, string>> = {
  queued: 'is queued',
  working: 'is working',
  input_required: 'needs an answer',
  completed: 'is completed',
  failed: 'has failed',
  cancelled: 'is cancelled',
};

/** How a job is after a report on it, as a clause. @param job how it is named */
export function stateAfter(type: string, job: string, status: string | undefined): string {
  // A job that is only claimed to be done.
  if (type === 'completed' && status === 'working') return `${job} is being checked`;
  return `${job} ${STATES[status as Status] ?? 'is open'}`;
}

/** What became of a person's report that a job is done, as sentences. @throws MamError `refused` with the reason */
export function doneText(jobId: string, outcome: ClaimOutcome): string {
  if (outcome.kind === 'kept')
    return `The report is kept on disk, and delivered as soon as the hub can take it. ${outcome.why}`;
  const { accepted, refusal, amended, status } = outcome.reply;
  if (!accepted) throw new MamError('refused', refusal ?? 'The report was refused.');
  return `Reported: ${stateAfter('completed', jobId, status)}.${amended === undefined ? '' : ` ${amended}`}`;
}

function summarize(type: string, jobId: string, { accepted, recorded, status, amended }: ClaimReply): string {
  if (!accepted && recorded && status !== undefined && !isFinal(status as Status))
    return `Recorded ${type}: ${stateAfter(type, `job ${jobId}`, status)}. Its task is not available: see next.`;
  if (!accepted) return `The event was refused: job ${jobId} is ${status ?? 'unknown'}.`;
  return recorded
    ? `Recorded ${type}: ${stateAfter(type, `job ${jobId}`, status)}.${amended === undefined ? '' : ` ${amended}`}`
    : 'The event is kept on disk and will be delivered automatically.';
}
