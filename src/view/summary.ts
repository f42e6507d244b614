import { isUndecided } from '../job/check.ts';
import { reasonOf } from '../job/home-state.ts';
import { SCRIPT_CHANGED } from '../job/messages.ts';
import { obstacleOf } from '../job/obstacle.ts';
import type { JobRecord } from '../job/record.ts';
import { awayText, hostOf } from './home.ts';

/** A job's state as a sentence. */
export function statusSummary(record: JobRecord): string {
  const { job_id, status, phase } = record;
  const reason = reasonOf(record);
  const host = hostOf(record);
  const on = host === undefined ? '' : ` on ${host}`;
  if (record.agent === 'human' && status === 'working' && phase !== 'validating')
    return `Job ${job_id} is for a person${on}, who has not reported yet.${aboutHost(record)}`;
  const checked = phase === 'validating' ? ', and its work is being checked.' : '.';
  const obstacle = obstacleText(record);
  const more = obstacle === undefined ? checked : `: ${obstacle}`;
  return `Job ${job_id}${on} is ${status}${reason ? ` (${reason})` : ''}${more}${aboutCheck(record)}${aboutHost(record)}`;
}

/** A sentence to add for a job whose machine is away, or has not confirmed it; empty otherwise. */
export function aboutHost(record: JobRecord): string {
  const away = awayText(record);
  return away === undefined ? '' : ` ${away}`;
}

/** A sentence to add for a job whose check has not judged the work; empty otherwise. */
export function aboutCheck({ reason, validation }: JobRecord): string {
  if (validation === undefined) return '';
  if (reason === 'validation_failed' && validation.script_changed === true) return ` ${SCRIPT_CHANGED}.`;
  if (!isUndecided(validation)) return '';
  const how = validation.outcome === 'could_not_run' ? 'run' : 'finish';
  const decided = validation.decision === 'allow' ? ', and the work was accepted without it' : '';
  return ` The check could not ${how}${decided}: ${validation.problem ?? ''}`;
}

/** What blocks a job, or a text for its peer, from its pane, and the remedy; undefined if nothing does. */
export function obstacleText(record: Parameters<typeof obstacleOf>[0]): string | undefined {
  const kept = obstacleOf(record);
  return kept && `${kept.cause}. ${kept.remedy}`;
}

/** How many jobs need a person, in words. */
export function needText(count: number): string {
  return count === 1 ? '1 needs you' : `${count} need you`;
}
