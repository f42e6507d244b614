import { MamError } from '../errors.ts';
import { newEventId } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import type { AnswerParams, AnswerResult } from '../job/request.ts';
import { clean } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import type { Decisions } from './decisions.ts';
import type { Registrar } from './registrar.ts';

/**
 * Answers a job's question or permission request, or adds an instruction.
 * @throws MamError `bad_input` for neither or both, `not_found`, `conflict` when the job is final or asks for nothing
 */
export async function answerJob(
  registrar: Registrar,
  decisions: Decisions,
  { job_id: id, registry_dir, text, decision, request_id, by }: AnswerParams,
): Promise<AnswerResult> {
  const words = clean(text ?? '').trim();
  if ((words === '') === (decision === undefined)) {
    throw new MamError(
      'bad_input',
      'An answer is either a text or a decision.',
      'Give text for a question or an instruction, or decision "allow" or "deny" for a permission request.',
    );
  }
  if (words.length > LIMITS.detailChars) {
    throw new MamError(
      'bad_input',
      `The text has ${words.length} characters; ${LIMITS.detailChars} is the most.`,
      'Write it to a file and name that file in the text.',
    );
  }
  const job = await registrar.findOwn(id, registry_dir);
  if (isFinal(job.record.status)) {
    throw new MamError(
      'conflict',
      `Job ${id} is ${job.record.status}: there is nobody to answer.`,
      'Delegate a new job.',
    );
  }
  if (decision !== undefined) {
    const delivered = await decisions.decide(job, decision, by, request_id);
    return { record: job.record, delivered };
  }
  const isHuman = job.record.agent === 'human';
  const question = job.record.requests.find(
    (one) => one.kind === 'question' && one.resolved_at === undefined,
  );
  const meant = job.record.requests.find((one) => one.request_id === request_id && one.kind === 'question');
  if (meant !== undefined && meant.resolved_at !== undefined) {
    throw new MamError(
      'conflict',
      'The question that this answers has been settled meanwhile.',
      'Look at the job and answer what it asks now, if it still asks.',
    );
  }
  const { before } = await registrar.record(job, {
    event_id: newEventId(),
    job_id: job.id,
    type: 'answered',
    source: by,
    at: new Date().toISOString(),
    detail: words,
    ...(question !== undefined && { data: { request_id: question.request_id } }),
  });
  // Another answer may have come while this one was on its way to the disk.
  const late =
    question !== undefined &&
    before?.requests.find((one) => one.request_id === question.request_id)?.resolved_at !== undefined;
  const first = late ? 'The question was settled a moment before, so this counts as an instruction. ' : '';
  const what = question === undefined || late ? 'The instruction' : 'The answer';
  const permission = job.record.requests.some(
    (one) => one.kind === 'permission' && one.resolved_at === undefined,
  );
  const open = permission
    ? ' Its permission request is still open: this decides nothing, only decision "allow" or "deny" does (`--allow`, `--deny`).'
    : '';
  return {
    record: job.record,
    delivered: isHuman
      ? `${first}${what} stands in the job's record (\`mam status --job ${id}\`).`
      : `${first}${what} goes to the peer with its next report, or is typed into its pane as soon as it is idle.${open}`,
  };
}
