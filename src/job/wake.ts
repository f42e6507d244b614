import { needsAttention } from './apply.ts';
import { LIMITS } from './limits.ts';
import type { JobRecord } from './record.ts';
import { isFinal } from './words.ts';

/** How many jobs one line names. */
const NAMED_JOBS = 5;

/** True while a job's supervisor, who asked to be told, has not been told how the job stands. */
export function owesWake(record: JobRecord): boolean {
  const { notify, supervisor, wake_seq: last, notified_seq: told = 0 } = record;
  if ((notify === undefined && supervisor.channel !== true) || last <= told) return false;
  return isFinal(record.status) || needsAttention(record);
}

/** True while a line for its supervisor's pane is owed: the hub has that left to do. */
export function owesLine(record: JobRecord): boolean {
  return record.notify !== undefined && owesWake(record);
}

/** The one line that tells a supervisor of its jobs: ids and our own words only, none of a peer's. */
export function wakeLine(records: JobRecord[]): string {
  const [only] = records;
  const told = records.slice(0, NAMED_JOBS).map(standing).join(', ');
  if (records.length === 1 && only !== undefined)
    return `Job ${told}: call the MCP tool job_status (server mam) with job_id "${only.job_id}".`;
  const more = records.length - NAMED_JOBS;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `Jobs ${told}${rest}: call the MCP tool job_status (server mam) for each, or list_jobs.`.slice(
    0,
    LIMITS.orderChars,
  );
}

function standing({ job_id: id, status, reason }: JobRecord): string {
  if (status === 'input_required') return `${id} needs you (${reason})`;
  if (status === 'queued') return `${id} waits for its pane`;
  return `${id} is ${status}${reason === undefined ? '' : ` (${reason})`}`;
}
