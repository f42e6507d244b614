import { z } from 'zod';
import { MamError } from '../src/base/errors.ts';
import { isJobId } from '../src/base/ids.ts';
import { sha256 } from '../src/base/sha256.ts';
import { hasLoneSurrogate } from '../src/base/text.ts';
import type { ClaimReply } from '../src/job/event.ts';
import { LIMITS } from '../src/job/limits.ts';
import { untilAnswered } from '../src/job/messages.ts';
import { REPORT_TYPES, type ReportType } from '../src/job/words.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { noResult, takesResult } from '../src/operations/report.ts';
import { callOf } from '../src/view/call-of.ts';
import { reportView } from '../src/view/report.ts';

const inputSchema = z.strictObject({
  job_id: z.string().describe('Id of the job, exactly as in your order'),
  event: z
    .enum(REPORT_TYPES)
    .describe(
      'started: you take the job, and get its task; progress; question: you need an answer; permission_required: somebody must allow something; completed: the work is done; error: it can not be done',
    ),
  detail: z
    .string()
    .max(LIMITS.detailChars)
    .optional()
    .describe(
      'One line or a short paragraph, at most 2,000 characters: what you did, ask, or why it failed. Default: none',
    ),
  result: z
    .string()
    .refine(
      (text) => Buffer.byteLength(text) <= LIMITS.resultBytes,
      'is longer than 1 MiB: write it to a file and name that in files',
    )
    .refine(
      (text) => !hasLoneSurrogate(text),
      'has half a UTF-16 surrogate pair: send well-formed Unicode text',
    )
    .optional()
    .describe('With completed: the whole result, at most 1 MiB. Default: none'),
  files: z
    .array(z.string().max(LIMITS.fileChars))
    .max(LIMITS.files)
    .optional()
    .describe(
      'With completed: paths of the files that you made or changed, at most 100 of 1,000 characters each. Default: none',
    ),
});

const outputSchema = z.object({
  summary: z.string(),
  accepted: z.boolean().describe('false when the event was refused; next says why'),
  recorded: z
    .boolean()
    .describe(
      "true when the event is in the job's journal; false when it was refused, or waits on disk to be delivered: then it need not be sent again",
    ),
  seq: z.number().int().optional().describe("number of the event in the job's journal"),
  status: z.string().optional().describe('status of the job after the event'),
  task: z.string().optional().describe('with started: your task, at most 16,000 characters of it'),
  task_file: z.string().optional().describe('file with the whole task'),
  task_next_offset: z
    .number()
    .int()
    .optional()
    .describe('where the rest of a longer task begins; absent when task is whole'),
  workdir: z.string().optional().describe('with started: the folder to work in'),
  messages: z.array(z.string()).describe('what you shall read now'),
  next: z.string(),
});
type Output = z.input<typeof outputSchema>;

/** Codex 0.169.0 cuts the middle out of a result above 10,000 bytes for models that it does not know. */
const SURE_CHARS = 4_000;

export default defineTool({
  name: 'publish_event',
  title: 'Report on a job',
  description:
    'Report on a job that was delegated to you: publish that you started (the answer holds your task and working folder), progress, a question, a permission you need, that it is completed, or an error. ' +
    'Call it first with event started and the job id of the order in front of you, and last with completed (a one-line summary in detail, the whole result in result) or error (the reason); report even if you fail. ' +
    'It answers when the event is on disk; repeated calls are harmless, late reports are accepted. Words for it: notify, signal, done, finished, status update, callback to the supervisor.',
  inputSchema,
  outputSchema,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  meta: { 'anthropic/alwaysLoad': true },
  roles: ['supervisor', 'peer'],

  async handle(args, { engine, caller, callId }) {
    if (!isJobId(args.job_id)) {
      throw new MamError(
        'not_found',
        'There is no job with this id.',
        'Take the id from the order in your pane.',
      );
    }
    if (args.event === 'question' && (args.detail ?? '').trim() === '') {
      throw new MamError(
        'bad_input',
        'The question is missing.',
        callOf('publish_event', { job_id: args.job_id, event: 'question', detail: 'YOUR QUESTION' }),
      );
    }
    for (const name of ['result', 'files'] as const)
      if (args[name] !== undefined && args[name].length > 0 && !takesResult(args.event))
        throw noResult(name, args.event);
    const outcome = await engine.report({
      event_id: callId === undefined ? undefined : eventId(caller.session, callId),
      job_id: args.job_id,
      type: args.event,
      detail: args.detail,
      result: args.result,
      files: args.files,
      origin: { pane: caller.pane, socket: caller.socket, pids: caller.pids, ns: caller.ns },
    });
    switch (outcome.kind) {
      case 'answered':
        return answered(args.job_id, args.event, outcome.reply, outcome.earlier);
      case 'kept':
        return kept(args.job_id, args.event, outcome.why, outcome.earlier);
    }
  },
});

/** The same call of the same client is the same event, however often it arrives. */
function eventId(session: string, callId: string): string {
  return `call-${sha256(`${session}\n${callId}`).slice(0, 32)}`;
}

function answered(jobId: string, type: ReportType, reply: ClaimReply, earlier: string[] = []): Output {
  // Without a status the hub knows no such job: nothing but another id helps.
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

function kept(jobId: string, type: ReportType, why: string, earlier: string[] = []): Output {
  const again = callOf('publish_event', { job_id: jobId, event: 'started' });
  return {
    summary: `The event is kept on disk and will be delivered by itself: ${why}`,
    accepted: true,
    recorded: false,
    messages: earlier,
    next:
      type === 'started'
        ? `To get your task: ${again}`
        : `There is no need to report this again. ${untilAnswered(type) ?? 'Go on.'}`,
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
  if (reply.next !== undefined && cut !== '') return `${cut}${reply.next}`;
  if (reply.next !== undefined) return reply.next;
  if (type === 'completed' || type === 'error') return 'Nothing is left to report.';
  const asks = untilAnswered(type);
  if (asks !== undefined) return asks;
  return `Work on, and report the end: ${callOf('publish_event', { job_id: jobId, event: 'completed', detail: 'ONE LINE' })}`;
}
