import { isUndecided } from '../job/check.ts';
import { SCRIPT_CHANGED } from '../job/messages.ts';
import type { JobRecord } from '../job/record.ts';
import { obstacleText } from './needs.ts';

/** How a job stands, as a sentence. */
export function statusSummary(record: JobRecord): string {
  const { job_id, status, reason, phase } = record;
  const kept = obstacleText(record);
  if (kept !== undefined)
    return `Job ${job_id} is ${status}${reason ? ` (${reason})` : ''}: ${kept}${aboutCheck(record)}`;
  return `Job ${job_id} is ${status}${reason ? ` (${reason})` : ''}, phase ${phase}.${aboutCheck(record)}`;
}

/** Of a job whose check has said nothing about the work: a sentence to be added. */
export function aboutCheck({
  reason,
  validation = { script: '', script_sha256: '', rounds: 0 },
}: JobRecord): string {
  if (reason === 'validation_failed' && validation.script_changed === true) return ` ${SCRIPT_CHANGED}.`;
  if (!isUndecided(validation)) return '';
  const how = validation.outcome === 'could_not_run' ? 'run' : 'finish';
  const decided = validation.decision === 'allow' ? ', and the work counts without it' : '';
  return ` The check could not ${how}${decided}: ${validation.problem ?? ''}`;
}
