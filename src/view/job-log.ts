import { clean } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import { openRequestView } from './job.ts';

/** What an audit log says beside its events, for an answer. */
export function jobLogView(record: JobRecord, shown: number) {
  const { job_id, status, reason } = record;
  const state = `${status}${reason === undefined ? '' : ` (${reason})`}`;
  const entries = `${shown} ${shown === 1 ? 'entry' : 'entries'}`;
  return {
    summary: `Job ${job_id} is ${state}; ${entries} of its ${record.seq} are here.`,
    job_id,
    status,
    reason,
    log_dir: clean(record.log_dir),
    open_request: openRequestView(record),
  };
}
