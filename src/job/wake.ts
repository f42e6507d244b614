import { needsAttention } from './apply.ts';
import { LIMITS } from './limits.ts';
import { obstacleOf } from './obstacle.ts';
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

/**
 * The one line that tells a supervisor of its jobs: ids and our own words only, none of a peer's.
 * @param records at least one
 */
export function wakeLine(records: readonly JobRecord[]): string {
  const [only] = records;
  const told = records.slice(0, NAMED_JOBS).map(standing).join(', ');
  if (records.length === 1 && only !== undefined) return `Job ${told}: ${howToLook(only)}`;
  const more = records.length - NAMED_JOBS;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `Jobs ${told}${rest}: ${howToLookAtAll(records)}`.slice(0, LIMITS.orderChars);
}

/** Who has delegated from a shell may have no MCP server. */
function howToLook(record: JobRecord): string {
  const { job_id: id } = record;
  return isFromShell(record)
    ? `run: ${mam(record)} status ${id}`
    : `call the MCP tool job_status (server mam) with job_id "${id}".`;
}

function howToLookAtAll(records: readonly JobRecord[]): string {
  const [first] = records;
  return first !== undefined && records.every(isFromShell)
    ? `run: ${mam(first)} status ID for each, or ${mam(first)} list`
    : 'call the MCP tool job_status (server mam) for each, or list_jobs.';
}

function isFromShell({ supervisor }: JobRecord): boolean {
  return supervisor.client === 'cli';
}

function mam({ typing }: JobRecord): string {
  return typing?.mam ?? 'mam';
}

function standing(record: JobRecord): string {
  const { job_id: id, status, reason } = record;
  if (needsAttention(record)) return `${id} needs you (${reason ?? obstacleOf(record)?.stands})`;
  return `${id} is ${status}${reason === undefined ? '' : ` (${reason})`}`;
}
