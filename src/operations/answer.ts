import { choice, maybe, type Sent, text } from '../base/fields.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { jobView } from '../view/job.ts';
import { by, inRegistry, jobId, wholeJob } from './common.ts';

const fields = {
  job_id: jobId,
  text: maybe(
    text('the answer to the question, or an instruction', { max: LIMITS.detailChars }),
    'see decision',
  ),
  decision: maybe(
    choice(
      ['allow', 'deny'],
      'for a permission request, or work whose check could not run: allow it once, or deny it',
    ),
    'see text',
  ),
  request_id: maybe(
    text('with a decision: id of the request (open_request_id)', {
      value: 'ID',
      typed:
        'the id of the request that is decided on, as `mam status` shows it; required when several are open at once',
    }),
    'the request shown last',
  ),
};

export const answer = {
  fields,
  params: { ...fields, ...inRegistry, by },
  answer: { delivered: text('how far the answer has got'), ...wholeJob },
};
export type AnswerParams = Sent<typeof answer.params>;

export interface AnswerResult {
  record: JobRecord;
  /** How far the answer has got, as a sentence. */
  delivered: string;
}

/** The answer without the next step. @param cut false for a reader without a length limit */
export function answerView({ record, delivered }: AnswerResult, cut = true) {
  const summary = `Job ${record.job_id} was answered and is ${record.status}. ${delivered}`;
  return { summary, delivered, ...jobView(record, cut) };
}
