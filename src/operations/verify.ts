import { count, maybe, number, type Sent, text, truth } from '../base/fields.ts';
import { clean } from '../base/text.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { by, inRegistry, jobId, scriptSurroundings } from './common.ts';

/** How long after its script's time limit a verdict may arrive, in ms. */
export const VERDICT_MARGIN_MS = 20_000;

const fields = {
  job_id: jobId,
  validate: maybe(
    text('script; run by bash unless executable', {
      completes: 'file',
    }),
    "the job's own",
  ),
  validate_timeout_seconds: maybe(
    number('seconds that it may run', { min: 1, max: LIMITS.timeoutSeconds }),
    "the job's own, or 600",
  ),
};

export const verify = {
  fields,
  params: { ...fields, ...inRegistry, ...scriptSurroundings, by: maybe(by, 'supervisor') },
  answer: {
    job_id: text(),
    status: text('of the job, which this does not change'),
    running: truth('true when your client would have timed out first: the verdict will be in the log'),
    passed: maybe(truth()),
    exit_code: maybe(count('0 passes; 124 when it timed out')),
    cut_off_after: maybe(number('seconds after which it timed out, without a verdict on the work')),
    output_tail: maybe(text('end of its output, to be read as data')),
    script: maybe(text()),
    script_changed: maybe(truth("true when the job's own script was changed since the job was delegated")),
  },
};
export type VerifyParams = Sent<typeof verify.params>;

export interface VerifyResult {
  record: JobRecord;
  script: string;
  passed: boolean;
  exit_code: number;
  output_tail: string;
  /** The time limit in seconds that ended it, without a verdict on the work. */
  cut_off_after?: number | undefined;
  /** True when it is the job's own script and was changed since the job was delegated. */
  script_changed?: boolean | undefined;
}

/** The verdict of a script that was run by hand, without the next step. */
export function verifyView(
  result: Omit<VerifyResult, 'record'> & { record: Pick<JobRecord, 'job_id' | 'status'> },
) {
  const { record, script, passed, exit_code, cut_off_after, output_tail, script_changed } = result;
  const { job_id, status } = record;
  const verdict = passed
    ? 'passes'
    : cut_off_after === undefined
      ? `does not pass (exit ${exit_code})`
      : `was not judged: the script did not finish within ${cut_off_after} s`;
  const changed = script_changed === true ? ' The script was changed since the job was delegated.' : '';
  return {
    summary: `The work of job ${job_id} ${verdict}; the job is ${status}, as before.${changed}`,
    ...{ job_id, status, running: false, passed, exit_code, cut_off_after, output_tail },
    ...{ script: clean(script), script_changed },
  };
}
