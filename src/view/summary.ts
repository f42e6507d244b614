import { clean } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import { isUndecided } from '../job/check.ts';
import { SCRIPT_CHANGED } from '../job/messages.ts';
import type { JobRecord } from '../job/record.ts';
import type { AgentRow, StartResult } from '../operations/agent-request.ts';
import { needText, obstacleText } from './needs.ts';

/** How many jobs a sentence names. */
const NAMED_JOBS = 5;

/** What a wait found. */
export interface WaitView {
  outcome: 'final' | 'needs_attention' | 'still_running';
  jobs: JobRecord[];
  /** Ids of those that the hub has said nothing of in time. */
  unseen: readonly string[];
}

/** How a job stands, as a sentence. */
export function statusSummary(record: JobRecord): string {
  const { job_id, status, reason, phase } = record;
  const kept = obstacleText(record);
  if (kept !== undefined)
    return `Job ${job_id} is ${status}${reason ? ` (${reason})` : ''}: ${kept}${aboutCheck(record)}`;
  return `Job ${job_id} is ${status}${reason ? ` (${reason})` : ''}, phase ${phase}.${aboutCheck(record)}`;
}

/** Of a job whose check has said nothing about the work: a sentence to be added. */
function aboutCheck({
  reason,
  validation = { script: '', script_sha256: '', rounds: 0 },
}: JobRecord): string {
  if (reason === 'validation_failed' && validation.script_changed === true) return ` ${SCRIPT_CHANGED}.`;
  if (!isUndecided(validation)) return '';
  const how = validation.outcome === 'could_not_run' ? 'run' : 'finish';
  const decided = validation.decision === 'allow' ? ', and the work counts without it' : '';
  return ` The check could not ${how}${decided}: ${validation.problem ?? ''}`;
}

/** @param total jobs in the registry, whatever the filter @param needYou how many of them need somebody */
export function listSummary(shown: number, total: number, needYou = 0): string {
  if (total === 0) return 'There are no jobs yet.';
  const needs = needYou === 0 ? '' : ` ${needText(needYou)}.`;
  return shown === 0
    ? `No job matches; the registry has ${total}.${needs}`
    : `${shown} of the registry's ${total} ${total === 1 ? 'job' : 'jobs'}, newest first.${needs}`;
}

/** What a wait ended with, as a sentence. */
export function waitSummary({ outcome, jobs, unseen }: WaitView): string {
  if (jobs.length === 0 && unseen.length === 0) return 'You have no open job in this session.';
  const told = jobs.filter((job) => outcome === 'still_running' || isTheReason(outcome, job));
  const named = someOf(told.map(standing));
  if (outcome === 'still_running') {
    const unknown = unseen.length === 0 ? '' : `Not known, as the hub has not answered: ${someOf(unseen)}.`;
    return [told.length === 0 ? '' : `Still running: ${named}.`, unknown].filter(Boolean).join(' ');
  }
  const one = told.length === 1;
  const [first] = told;
  if (outcome === 'final') return one && first ? `Job ${named}.${aboutCheck(first)}` : `Final: ${named}.`;
  return one && first
    ? `Job ${named} and needs attention.${aboutCheck(first)}`
    : `${told.length} jobs need attention: ${named}.`;
}

function someOf(words: readonly string[]): string {
  const more = words.length - NAMED_JOBS;
  return `${words.slice(0, NAMED_JOBS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function standing({ job_id, status, reason, blocked_by: blocked, behind }: JobRecord): string {
  const why = reason ?? (behind === undefined ? blocked : `behind ${behind.job_id}`);
  return `${job_id} is ${status}${why === undefined ? '' : ` (${why})`}`;
}

/** True for a job that a wait with this outcome came back for. */
function isTheReason(outcome: WaitView['outcome'], job: JobRecord): boolean {
  const final = job.final_at !== undefined;
  return outcome === 'final' ? final : !final && needsAttention(job);
}

export function answerSummary({ job_id, status }: JobRecord, delivered: string): string {
  return `Job ${job_id} was answered and is ${status}. ${delivered}`;
}

/** @param done about the interrupt key, where one was asked for */
export function cancelSummary({ job_id, status }: JobRecord, changed: boolean, done?: string): string {
  const more = done === undefined ? '' : ` ${done}`;
  return changed
    ? `Job ${job_id} is cancelled.${more}`
    : `Job ${job_id} was ${status} already; nothing changed.`;
}

export function stopSummary(session: string): string {
  return `The agent in tmux:${session} was ended.`;
}

/** What became of the start of an agent, as a sentence. */
export function startSummary(
  agent: string,
  target: string,
  { ready, waits_for = 'it shows no input box', not_resumed, out_of_reach: lost }: StartResult,
): string {
  const anew = not_resumed === undefined ? '' : ` It has begun anew: ${clean(not_resumed)}.`;
  const more = `${anew}${lost === undefined ? '' : ` ${lost}`}`;
  return ready
    ? `${agent} is ready in ${target}.${more}`
    : `${agent} was started in ${target} and is not ready: ${waits_for}${more}`;
}

/** @param rows live agents and kinds that nothing runs */
export function agentsSummary(rows: readonly Pick<AgentRow, 'session' | 'state'>[]): string {
  const live = rows.filter(({ session }) => session !== undefined);
  const idle = live.filter(({ state }) => state === 'idle').length;
  return live.length === 0
    ? 'No agent runs on this tmux server.'
    : live.length === 1
      ? `1 agent is running; it is ${idle === 1 ? 'idle' : 'not idle'}.`
      : `${live.length} agents are running, ${idle} of them idle.`;
}
