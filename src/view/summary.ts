import type { JobRecord } from '../job/record.ts';
import type { AgentRow } from '../job/request.ts';

/** What a wait found. */
export interface WaitView {
  outcome: 'final' | 'needs_attention' | 'still_running';
  jobs: JobRecord[];
}

/** How a job stands, as a sentence. */
export function statusSummary({ job_id, status, reason, phase }: JobRecord): string {
  return `Job ${job_id} is ${status}${reason ? ` (${reason})` : ''}, phase ${phase}.`;
}

/** @param total jobs in the registry, whatever the filter */
export function listSummary(shown: number, total: number): string {
  return shown === 0
    ? `No such job; the registry has ${total}.`
    : `${shown} of the registry's ${total} ${total === 1 ? 'job' : 'jobs'}, newest first.`;
}

/** What a wait ended with, as a sentence. */
export function waitSummary({ outcome, jobs }: WaitView): string {
  const [first] = jobs.filter((job) => isTheReason(outcome, job));
  if (outcome === 'still_running') {
    return jobs.length === 0
      ? 'You have no open job.'
      : `Still running: ${jobs.map((job) => `${job.job_id} ${job.status}`).join(', ')}.`;
  }
  if (first === undefined) return jobs.length === 0 ? 'You have no open job.' : 'The jobs are final.';
  const reason = first.reason ?? first.blocked_by;
  const state = `Job ${first.job_id} is ${first.status}${reason === undefined ? '' : ` (${reason})`}`;
  return outcome === 'final' ? `${state}.` : `${state} and needs attention.`;
}

/** True for a job that a wait with this outcome came back for. */
export function isTheReason(outcome: WaitView['outcome'], job: JobRecord): boolean {
  const final = job.final_at !== undefined;
  return outcome === 'final'
    ? final
    : !final && (job.status === 'input_required' || job.blocked_by !== undefined);
}

export function answerSummary({ job_id, status }: JobRecord, delivered: string): string {
  return `Job ${job_id} was answered and is ${status}. ${delivered}`;
}

export function cancelSummary({ job_id, status }: JobRecord, changed: boolean): string {
  return changed ? `Job ${job_id} is cancelled.` : `Job ${job_id} was ${status} already; nothing changed.`;
}

export function stopSummary(session: string): string {
  return `The agent in tmux:${session} was ended.`;
}

export function startSummary(agent: string, target: string, waitsFor: string | undefined): string {
  return waitsFor === undefined
    ? `${agent} is ready in ${target}.`
    : `${agent} was started in ${target} and is not ready: ${waitsFor}`;
}

/** @param rows live agents and kinds that nothing runs */
export function agentsSummary(rows: readonly Pick<AgentRow, 'session' | 'state'>[]): string {
  const live = rows.filter(({ session }) => session !== undefined);
  const idle = live.filter(({ state }) => state === 'idle').length;
  return live.length === 0
    ? 'No agent runs on this tmux server.'
    : `${live.length} ${live.length === 1 ? 'agent runs' : 'agents run'}, ${idle} of them idle.`;
}
