import { MamError } from '../../base/errors.ts';
import { clean, unitsNote } from '../../base/text.ts';
import { isAboutCheck, openCheckRequest } from '../../job/check.ts';
import { dataOf, draftEvent } from '../../job/event.ts';
import { isAnsweredInPane } from '../../job/in-pane.ts';
import { LIMITS } from '../../job/limits.ts';
import { obstacleOf } from '../../job/obstacle.ts';
import { isOpen, openRequests } from '../../job/open-requests.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { AnswerParams, AnswerResult } from '../../operations/answer.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { Decisions } from './decisions.ts';
import { conflict, inFewWords } from './open-permission.ts';

/**
 * Answers a job's question or permission request, or adds an instruction.
 * A decision is for a permission request, or for work whose check could not run.
 * @param asked the id of the client's request
 * @throws MamError `bad_input` for neither or both, `not_found`, `conflict` when the job is final or asks for nothing
 */
export async function answerJob(
  registrar: Registrar,
  decisions: Decisions,
  { job_id: id, registry_dir, text, decision, request_id, by }: AnswerParams,
  asked: string,
): Promise<AnswerResult> {
  const words = clean(text ?? '').trim();
  if ((words === '') === (decision === undefined)) {
    throw new MamError(
      'bad_input',
      'An answer is either a text or a decision.',
      'Pass text for a question or an instruction, or decision "allow" or "deny" for a permission request.',
    );
  }
  if (words.length > LIMITS.detailChars) {
    throw new MamError(
      'bad_input',
      `The text has ${words.length} characters${unitsNote(words)}; the limit is ${LIMITS.detailChars}.`,
      'Write it to a file and name that file in the text.',
    );
  }
  const job = await registrar.findOwn(id, registry_dir);
  const eventId = `answer:${asked}`;
  if (job.has(eventId)) return { record: job.record, delivered: await repeated(job, decisions, eventId) };
  if (isFinal(job.record.status))
    throw conflict(`Job ${id} is ${job.record.status}: there is nobody to answer.`, 'Delegate a new job.');
  const check = meantCheck(job.record, request_id);
  const delivered =
    decision === undefined
      ? await sendText(registrar, job, words, request_id, { by, eventId })
      : check === undefined
        ? await decisions.decide({ job, verdict: decision, by, eventId }, request_id)
        : await decideCheck(registrar, job, check, decision, { by, eventId });
  return { record: job.record, delivered };
}

/** Who answers, and the id of the first event about it. */
interface Origin {
  by: AnswerParams['by'];
  eventId: string;
}

/**
 * A client that has lost its connection sends its answer again, perhaps to the next hub. It must not count twice: by then
 * the next dialog may ask for the same.
 * @throws MamError `conflict` when it is not known whether a decision reached the agent, or when it did not
 */
async function repeated(job: LiveJob, decisions: Decisions, eventId: string): Promise<string> {
  const event = job.eventsAfter(0).find(({ event_id: id }) => id === eventId);
  if (event?.type !== 'deciding') return 'It was recorded when it was sent first.';
  const { request_id: meant, decision = '' } = dataOf(event);
  const request = await decisions.over(job, meant);
  if (request === undefined || isOpen(request))
    throw conflict(
      'The connection was lost while this decision was given to the agent, so it is not known whether the agent has it.',
      'Look at job_status. If the request is still open, decide again.',
    );
  const end = `The request is no longer open: ${request.decision} (${inFewWords(request)}).`;
  if (request.decision?.includes(decision) !== true) throw conflict(end, 'Look at job_status.');
  return end;
}

/** Answers the open question, or leaves an instruction. @returns how it reaches the peer, as a sentence */
async function sendText(
  registrar: Registrar,
  job: LiveJob,
  words: string,
  wanted: string | undefined,
  { by, eventId }: Origin,
): Promise<string> {
  const { requests } = job.record;
  const question = openRequests(job.record, 'question').find((one) => !isAboutCheck(one));
  // A text that was meant for the check must not answer what the peer has asked meanwhile.
  const isForCheck = question === undefined || wanted !== question.request_id;
  if (isForCheck && openCheckRequest(job.record) !== undefined) {
    const own =
      question === undefined ? '' : ` To answer its own question, name request_id "${question.request_id}".`;
    throw conflict(
      `Job ${job.id} waits for a decision, not for a text: does its work count without its check?`,
      `Accept the work with answer_job and decision "allow" (\`mam allow ${job.id}\`), or fail the job with decision "deny" (\`mam deny ${job.id}\`). What the peer still has to do can be typed into its pane; its next completed is checked again.${own}`,
    );
  }
  const meant = requests.find((one) => one.request_id === wanted && one.kind === 'question');
  if (meant !== undefined && !isOpen(meant))
    throw conflict(
      'The question that this text answers has been settled meanwhile.',
      'Look at the job and answer what it asks now, if it still asks.',
    );
  const about = question && { data: { request_id: question.request_id } };
  const draft = draftEvent(job.id, 'answered', { event_id: eventId, source: by, detail: words, ...about });
  const { before } = await registrar.record(job, draft);
  // Another answer may have come while this one was being written.
  const late =
    question !== undefined &&
    before?.requests.find((one) => one.request_id === question.request_id)?.resolved_at !== undefined;
  const first = late ? 'The question had just been settled, so this counts as an instruction. ' : '';
  const what = question === undefined || late ? 'The instruction' : 'The answer';
  if (job.record.agent === 'human')
    return `${first}${what} is in the job's record (\`mam status ${job.id}\`).`;
  const open = openPermissionNote(job.record);
  // What blocks an earlier text blocks this one too.
  const obstacle = obstacleOf(job.record);
  const kept = obstacle === undefined ? '' : ` Now ${obstacle.cause}. ${obstacle.remedy}`;
  return `${first}${what} goes to the peer with its next report, or is typed into its pane as soon as it is idle.${open}${kept}`;
}

/** What a text does not do for an open permission request; empty without one. */
function openPermissionNote(record: JobRecord): string {
  const [request] = openRequests(record, 'permission');
  if (request === undefined) return '';
  const { job_id: id } = record;
  return isAnsweredInPane(request)
    ? ` Its dialog is still open: a person must answer that in its pane (\`mam attach ${id}\`).`
    : ` Its permission request is still open, and a text does not decide it: that takes answer_job and decision "allow" (\`mam allow ${id}\`) or decision "deny" (\`mam deny ${id}\`).`;
}

/**
 * The open question whether the work counts without its check, if a decision is meant for it. Without an id that is so only
 * if the job has never asked for a permission: otherwise nothing says which of the two was shown.
 */
function meantCheck(record: JobRecord, wanted: string | undefined): string | undefined {
  const id = openCheckRequest(record)?.request_id;
  const isSure =
    wanted === id || (wanted === undefined && record.requests.every(({ kind }) => kind !== 'permission'));
  return isSure ? id : undefined;
}

async function decideCheck(
  registrar: Registrar,
  job: LiveJob,
  requestId: string,
  decision: 'allow' | 'deny',
  { by, eventId }: Origin,
): Promise<string> {
  const data = { request_id: requestId, decision };
  const event = draftEvent(job.id, 'answered', { event_id: eventId, source: by, data });
  const { before } = await registrar.record(job, event);
  if (before === undefined || openCheckRequest(before)?.request_id !== requestId)
    throw conflict(
      'The question about the check had just been settled: nothing was decided.',
      'Look at the job and answer what it asks now, if it still asks.',
    );
  return decision === 'allow'
    ? 'The work counts without its check.'
    : 'The work does not count: the job has failed.';
}
