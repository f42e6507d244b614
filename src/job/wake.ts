import { someOf } from '../base/text.ts';
import { needsAttention } from './apply.ts';
import { homeNews, isHostOffline, isOver, reasonOf } from './home-state.ts';
import { LIMITS } from './limits.ts';
import { obstacleOf } from './obstacle.ts';
import type { JobRecord } from './record.ts';

/** How many jobs one line names. */
const NAMED_JOBS = 5;

/** True while a supervisor that asked to be notified has not been notified of the job's state. */
export function isWakePending(record: JobRecord): boolean {
  const { notify, supervisor, wake_seq: last, notified_seq: notified = 0 } = record;
  if (notify === undefined && supervisor.channel !== true) return false;
  if (last <= notified && homeNews(record) <= (record.notified_episode ?? 0)) return false;
  return isOver(record) || needsAttention(record);
}

/** True while a line in the supervisor's pane is pending. */
export function isLinePending(record: JobRecord): boolean {
  return record.notify !== undefined && isWakePending(record);
}

/** The line that notifies a supervisor of one or more jobs: only ids and our own words. */
export function wakeLine(records: readonly JobRecord[]): string {
  const named = someOf(records.map(wakeWords), NAMED_JOBS);
  if (records.length === 1) return `Job ${named}: ${howToLook(records)}`;
  return `Jobs ${named}: ${howToLook(records)}`.slice(0, LIMITS.orderChars);
}

/** A supervisor that delegated from a shell may have no MCP server. */
function howToLook(records: readonly JobRecord[]): string {
  const [first] = records;
  const mam = first?.typing?.mam ?? 'mam';
  const isFromShell = records.every(({ supervisor }) => supervisor.client === 'cli');
  if (records.length > 1)
    return isFromShell
      ? `run: ${mam} status ID for each, or ${mam} list`
      : 'call the MCP tool job_status (server mam) for each, or list_jobs.';
  return isFromShell
    ? `run: ${mam} status ${first?.job_id}`
    : `call the MCP tool job_status (server mam) with job_id "${first?.job_id}".`;
}

/** A job's id and what is the matter, in our own words. */
export function wakeWords(record: JobRecord): string {
  const { job_id: id, status, home } = record;
  const reason = reasonOf(record);
  if (home !== undefined && isHostOffline(record)) return `${id} needs you (${home.host} is offline)`;
  if (needsAttention(record)) return `${id} needs you (${reason ?? obstacleOf(record)?.cause})`;
  return `${id} is ${status}${reason === undefined ? '' : ` (${reason})`}`;
}
