import { choice, count, group, list, maybe, number, or, text } from '../base/fields.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { eventRow, jobBrief } from '../view/shapes.ts';
import { aboutCheck } from '../view/summary.ts';
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
        'any: return when one job is final; all: when every one is; both when one needs attention',
      ),
      'any',
    ),
    timeout_seconds: maybe(
      number('seconds to wait at most; 0 looks and returns', { min: 0 }),
      'the most that your client allows',
    ),
    cursor: maybe(
      text('cursor of an earlier answer: only what came after it counts'),
      'the state of the jobs now',
    ),
  },
  answer: {
    outcome: choice(['final', 'needs_attention', 'still_running'], 'final, needs_attention or still_running'),
    jobs: list(group(jobBrief), 'as many as find room, those that need you or ended first'),
    jobs_left_out: count('jobs that found no room here'),
    events: list(group(eventRow), 'what happened meanwhile, the newest that find room, oldest first'),
    events_left_out: maybe(count("older ones that found no room here; the job's log has them")),
    cursor: text('give it to the next call'),
  },
};

/** What a waiter asks for. */
export interface WaitRequest {
  /** Empty: the caller's own open jobs, and those that have ended since `cursor`. */
  job_ids: string[];
  until: 'any' | 'all';
  /** How long to wait at most, in milliseconds. */
  timeoutMs: number;
  /** Of an earlier answer: only what came after it counts. Absent: by level. */
  cursor?: string | undefined;
  /** The client session whose open jobs are meant when `job_ids` is empty. */
  session: string;
  /** The pane that it lives in: jobs of an earlier session there are meant as well. */
  place?: string | undefined;
  /** Called with the jobs that are meant when `job_ids` is empty. */
  onFound?: ((jobIds: readonly string[]) => void) | undefined;
  /** Called with every event after the cursor (without one: after the call), once and in the order of the journal. */
  onEvent?: ((message: LogMessage) => void) | undefined;
  /** Aborted when the client gave up: drops the waiter, never the job. */
  signal: AbortSignal;
}

/** What a waiter is told. */
export interface WaitAnswer {
  outcome: 'final' | 'needs_attention' | 'still_running';
  jobs: JobRecord[];
  /** Ids of those that the hub has said nothing of in time. */
  unseen: string[];
  /** What happened since `cursor`, oldest first; the newest 50 at most. */
  events: RecordedEvent[];
  /** How many older ones there were. */
  events_left_out: number;
  cursor: string;
}

/** How many jobs a sentence names. */
const NAMED_JOBS = 5;

/** How a wait ended: the part of its answer that a sentence and an exit code say. */
export type WaitEnd = Pick<WaitAnswer, 'outcome' | 'jobs' | 'unseen'>;

/** What a wait ended with, as a sentence. */
export function waitSummary({ outcome, jobs, unseen }: WaitEnd): string {
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
function isTheReason(outcome: WaitEnd['outcome'], job: JobRecord): boolean {
  const final = job.final_at !== undefined;
  return outcome === 'final' ? final : !final && needsAttention(job);
}
