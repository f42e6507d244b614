import { choice, count, group, list, maybe, number, or, text } from '../base/fields.ts';
import { someOf } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { reasonOf } from '../job/home-state.ts';
import type { JobRecord } from '../job/record.ts';
import { hostOf } from '../view/home.ts';
import { eventRow, jobBrief } from '../view/shapes.ts';
import { aboutCheck, aboutHost } from '../view/summary.ts';
import type { LogMessage } from './request.ts';

export const wait = {
  fields: {
    job_id: maybe(text('id of the job to wait for'), 'see job_ids'),
    job_ids: maybe(
      list(text(), 'ids of several jobs', { max: 100 }),
      'without job_id, all your own open jobs',
    ),
    until: or(
      choice(
        ['any', 'all'],
        'any: return when one job is final; all: when every job is; both also when one needs attention',
      ),
      'any',
    ),
    timeout_seconds: maybe(
      number('maximum seconds to wait; 0 returns at once', { min: 0 }),
      'as long as your client allows',
    ),
    cursor: maybe(text('cursor of an earlier answer: only what came after it counts'), 'their current state'),
  },
  answer: {
    outcome: choice(['final', 'needs_attention', 'still_running'], 'final, needs_attention or still_running'),
    jobs: list(group(jobBrief), 'as many as fit, those that need you or ended first'),
    jobs_left_out: count('how many jobs did not fit'),
    events: list(group(eventRow), 'what happened meanwhile: the newest that fit, oldest first'),
    events_left_out: maybe(count("how many older ones did not fit; the job's log has them")),
    cursor: text('pass it to the next call'),
  },
};

/** What a waiter asks for. */
export interface WaitRequest {
  /** Empty: the caller's own open jobs, and those that have ended since `cursor`. */
  job_ids: string[];
  until: 'any' | 'all';
  /** How long to wait at most, in milliseconds. */
  timeoutMs: number;
  /** Of an earlier answer: only what came after it counts. Absent: the current state counts. */
  cursor?: string | undefined;
  /** The client session whose open jobs are waited for when `job_ids` is empty. */
  session: string;
  /** Its pane: jobs of an earlier session there are included. */
  place?: string | undefined;
  /** Called with the jobs that are waited for when `job_ids` is empty. */
  onFound?: ((jobIds: readonly string[]) => void) | undefined;
  /** Called with every event after the cursor (without one: after the call), once and in journal order. */
  onEvent?: ((message: LogMessage) => void) | undefined;
  /** Aborted when the client gives up: ends the wait, never the job. */
  signal: AbortSignal;
}

/** The answer to a wait. */
export interface WaitAnswer {
  outcome: 'final' | 'needs_attention' | 'still_running';
  jobs: JobRecord[];
  /** Ids of the jobs that the hub did not report on in time. */
  unseen: string[];
  /** What happened since `cursor`, oldest first; the newest 50 at most. */
  events: RecordedEvent[];
  /** How many older events there were. */
  events_left_out: number;
  cursor: string;
}

/** The most jobs that one sentence names. */
const NAMED_JOBS = 5;

/** How a wait ended: what its summary and its exit code depend on. */
export type WaitEnd = Pick<WaitAnswer, 'outcome' | 'jobs' | 'unseen'>;

/** How a wait ended, as a sentence. */
export function waitSummary({ outcome, jobs, unseen }: WaitEnd): string {
  if (jobs.length === 0 && unseen.length === 0) return 'You have no open job in this session.';
  const shown = jobs.filter((job) => outcome === 'still_running' || isTheReason(outcome, job));
  const named = someOf(shown.map(standing), NAMED_JOBS);
  if (outcome === 'still_running') {
    const unknown =
      unseen.length === 0 ? '' : `Unknown, as the hub has not answered: ${someOf(unseen, NAMED_JOBS)}.`;
    return [shown.length === 0 ? '' : `Still running: ${named}.`, unknown].filter(Boolean).join(' ');
  }
  const one = shown.length === 1;
  const [first] = shown;
  if (outcome === 'final') return one && first ? `Job ${named}.${aboutCheck(first)}` : `Final: ${named}.`;
  return one && first
    ? `Job ${named} and needs attention.${aboutCheck(first)}${aboutHost(first)}`
    : `${shown.length} jobs need attention: ${named}.`;
}

function standing(job: JobRecord): string {
  const { job_id, agent, status, blocked_by: blocked, behind } = job;
  const host = hostOf(job);
  const on = host === undefined ? job_id : `${job_id} on ${host}`;
  const reason = reasonOf(job);
  if (agent === 'human' && status === 'working' && reason === undefined) return `${on} is for a person`;
  const why = reason ?? (behind === undefined ? blocked : `behind ${behind.job_id}`);
  return `${on} is ${status}${why === undefined ? '' : ` (${why})`}`;
}

/** True for a job that made a wait end with this outcome. */
function isTheReason(outcome: WaitEnd['outcome'], job: JobRecord): boolean {
  const final = job.final_at !== undefined;
  return outcome === 'final' ? final : !final && needsAttention(job);
}
