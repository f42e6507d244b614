import { MamError } from '../src/base/errors.ts';
import { isJobId } from '../src/base/ids.ts';
import { sha256 } from '../src/base/sha256.ts';
import type { ClaimReply } from '../src/job/event.ts';
import { untilAnswered } from '../src/job/messages.ts';
import type { ReportType } from '../src/job/words.ts';
import { originOf } from '../src/operations/common.ts';
import { noResult, publish, reportView, takesResult } from '../src/operations/publish.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

/** Codex 0.169.0 cuts the middle out of a result above 10,000 bytes for models that it does not know. */
const SURE_CHARS = 4_000;

export default defineTool({
  name: 'publish_event',
  title: 'Report on a job',
  description:
    'Report on a job that was delegated to you: that you started (the answer holds your task and working folder), progress, a question, a permission you need, that it is completed, or an error. ' +
    'Call it first with event started and the job id from your order, and last with completed or error; report even if you fail. ' +
    'Repeated calls are harmless, late reports are accepted. Also: notify, signal, done, finished, callback to the supervisor.',
  operation: publish,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  meta: { 'anthropic/alwaysLoad': true },
  roles: ['supervisor', 'peer'],

  async handle(args, { engine, caller, callId }) {
    const { event: type, ...report } = args;
    const { job_id, detail = '' } = report;
    if (!isJobId(job_id)) {
      const hint = 'Take the id from the order in your pane.';
      throw new MamError('not_found', 'There is no job with this id.', hint);
    }
    if (type === 'question' && detail.trim() === '') {
      const again = callOf('publish_event', { job_id, event: 'question', detail: 'YOUR QUESTION' });
      throw new MamError('bad_input', 'The question is missing.', again);
    }
    for (const name of ['result', 'files'] as const)
      if (report[name] !== undefined && report[name].length > 0 && !takesResult(type))
        throw noResult(name, type);
    const outcome = await engine.report({
      ...report,
      type,
      // The same call of the same client is the same event, however often it arrives.
      event_id: callId && `call-${sha256(`${caller.session}\n${callId}`).slice(0, 32)}`,
      origin: originOf(caller),
    });
    return outcome.kind === 'answered'
      ? answered(outcome.reply.job_id ?? job_id, type, outcome.reply, outcome.earlier)
      : kept(job_id, type, outcome.why, outcome.earlier);
  },
});

function answered(jobId: string, type: ReportType, reply: ClaimReply, earlier: string[] = []) {
  // Without a status, the hub knows no such job: only another id helps.
  if (!reply.accepted && reply.status === undefined) {
    throw new MamError('refused', [reply.refusal ?? 'The event was refused.', ...earlier].join('\n'));
  }
  const view = reportView(type, jobId, reply);
  return {
    ...view,
    messages: [...earlier, ...view.messages],
    next: reply.refusal ?? nextStep(jobId, type, reply),
  };
}

function kept(job_id: string, type: ReportType, why: string, earlier: string[] = []) {
  return {
    summary: `The event is kept on disk and will be delivered automatically: ${why}`,
    accepted: true,
    recorded: false,
    messages: earlier,
    next:
      type === 'started'
        ? `To get your task: ${callOf('publish_event', { job_id, event: 'started' })}`
        : `You need not report this again. ${untilAnswered(type) ?? 'Go on.'}`,
  };
}

function nextStep(jobId: string, type: ReportType, reply: ClaimReply): string {
  const cut =
    (reply.task?.length ?? 0) > SURE_CHARS
      ? `If your client has cut the task, read it in ${reply.task_file}. `
      : '';
  if (reply.task_next_offset !== undefined) {
    const rest = callOf('job_status', { job_id: jobId, task_offset: reply.task_next_offset });
    return `First read the rest of the task: ${rest} ${cut}${reply.next ?? ''}`.trim();
  }
  if (reply.next !== undefined) return `${cut}${reply.next}`;
  if (takesResult(type)) return 'Nothing is left to report.';
  const asks = untilAnswered(type);
  if (asks !== undefined) return asks;
  return `Continue, and report the end: ${callOf('publish_event', { job_id: jobId, event: 'completed', detail: 'ONE LINE' })}`;
}
