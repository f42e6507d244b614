import { flag, maybe, type Sent, text, truth } from '../base/fields.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { jobView } from '../view/job.ts';
import { by, inRegistry, jobId, seenBy, wholeJob } from './common.ts';

const fields = {
  job_id: jobId,
  reason: maybe(text('why, for the record and for the peer', { max: LIMITS.detailChars })),
  interrupt: flag("also press the agent's interrupt key, if it has one and is in a turn"),
};

export const cancel = {
  fields,
  params: {
    ...fields,
    ...inRegistry,
    ...seenBy,
    by,
    forget: flag('end the copy of a job whose host never returns'),
  },
  answer: {
    changed: truth('false when the job was already final'),
    note: text('what was done about the order in the pane'),
    ...wholeJob,
  },
};
export type CancelParams = Sent<typeof cancel.params>;

export interface CancelResult {
  /** Absent for a job whose record is gone. */
  record?: JobRecord;
  /** False when the job was already final and nothing changed. */
  changed: boolean;
  note: string;
}

/** The answer without the next step. @param cut false for a reader without a length limit */
export function cancelView(
  record: JobRecord,
  { changed, note }: CancelResult,
  interrupt: boolean,
  cut = true,
) {
  const { job_id, status } = record;
  const summary = changed
    ? `Job ${job_id} is cancelled.${interrupt ? ` ${note}` : ''}`
    : `Job ${job_id} was already ${status}; nothing changed.`;
  return { summary, changed, note, ...jobView(record, cut) };
}
