import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ClaimReply } from '../../job/event.ts';
import { messagesFor, untilAnswered } from '../../job/messages.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import { readTaskPage } from '../jobs/task.ts';

const ENDED =
  'This report has ended the job, so there is nothing left to do for it. The messages were sent before that.';

/** The answer to a publisher. Its event is in the journal, so it is answered even if the rest of the answer fails. */
export function answerTo(job: LiveJob, recorded: Recorded, log: Log): ClaimReply {
  const { event, after } = recorded;
  const { event_id, seq } = event;
  const base: ClaimReply = { event_id, accepted: true, recorded: true, seq, status: after.status };
  try {
    return fullAnswer(job, recorded, base);
  } catch (error) {
    log.error(`the answer to ${event.type} of ${job.id} is incomplete`, error);
    return base;
  }
}

function fullAnswer(job: LiveJob, recorded: Recorded, base: ClaimReply): ClaimReply {
  const { event, before, after } = recorded;
  const wasFinal = before !== undefined && isFinal(before.status) && !recorded.repeated;
  const amended =
    wasFinal &&
    (after.status !== before.status || after.phase === 'validating' || after.late !== before.late);
  if (isFinal(after.status) && (event.type === 'started' || event.type === 'progress'))
    return { ...base, accepted: false, refusal: `Stop: ${endText(after)} Do not work on it.` };
  if (wasFinal && !amended) {
    const refusal = `${endText(after)} Your report is kept in its log and changes nothing.`;
    return { ...base, accepted: false, refusal };
  }
  if (amended) base.amended = amendedText(before, after);
  const messages = messagesFor(after, event.seq);
  if (event.type === 'started')
    return { ...base, ...startedAnswer(job), ...(messages.length > 0 && { messages }) };
  const asks = untilAnswered(event.type, after.agent === 'human' ? job.id : undefined);
  if (messages.length > 0) {
    const then = asks ?? 'Then continue, and report as before.';
    const next = isFinal(after.status) ? ENDED : `Read the messages and act on them. ${then}`;
    return { ...base, messages, next };
  }
  if (asks !== undefined) return { ...base, next: asks };
  if (after.phase !== 'validating') return base;
  const next =
    'Your result is being checked by the validation script; the job counts as completed when it passes.';
  return { ...base, next };
}

function startedAnswer(job: LiveJob): Partial<ClaimReply> {
  const { workdir, job_id: id } = job.record;
  try {
    return {
      ...readTaskPage(job, 0),
      workdir,
      next: `Work in ${workdir}. Report with job_id "${id}": progress now and then; question when you need an answer; permission_required when you wait for a permission; completed with a one-line summary in detail when done; error with the reason when you cannot. Report even if you fail.`,
    };
  } catch (error) {
    // The event is recorded: if it were sent again, it would be refused again and hold up every later report.
    return { accepted: false, refusal: explain(error) };
  }
}

function endText({ status, reason: why, final_at: at }: JobRecord): string {
  const reason = why === undefined ? '' : ` (${why})`;
  return status === 'failed'
    ? `This job failed${reason}${at === undefined ? '' : ` at ${at}`}.`
    : `This job has been ${status}${reason} since ${at ?? 'before'}.`;
}

function amendedText(before: JobRecord, { phase }: JobRecord): string {
  const how = phase === 'validating' ? 'amends that end if it passes its check' : 'amends that end';
  return `${endText(before).replace(' has been ', ' had been ')} Your late report ${how}.`;
}
