import { needsAttention } from '../job/apply.ts';
import { isAboutCheck } from '../job/check.ts';
import { obstacleOf, reachStep } from '../job/obstacle.ts';
import type { Behind, JobRecord } from '../job/record.ts';
import { openRequest, waitsInItsPane } from './job.ts';
import { callOf } from './job-schema.ts';

/** The steps of so many jobs are spelled out; the others are in the answer's `jobs`. */
const SPELLED_OUT = 5;

/** A pane that a person can look into, by its attach command. */
export type Attach = (job: JobRecord) => string | undefined;

/**
 * The calls for a job that needs somebody: its answer, and where its reason is none that an answer settles, what shows
 * more of it.
 * @returns nothing for any other job
 */
export function attentionStep(record: JobRecord, attach: Attach): string {
  if (record.final_at !== undefined) return '';
  const { behind } = record;
  if (behind !== undefined && record.reason === undefined) return behindStep(record, behind);
  if (!needsAttention(record)) return '';
  const reach = reachStep(record);
  if (reach !== undefined)
    return `Nobody reaches its agent, also not by attach: somebody has to run \`${reach}\` in a shell, and then it goes on.`;
  const command = attach(record);
  const pane = command === undefined ? '' : ` A person can look into its pane (${command}).`;
  return `${answerStep(record)}${pane}`;
}

/** The same for each of several jobs, each in its turn. */
export function attentionSteps(records: readonly JobRecord[], attach: Attach): string {
  const steps = records.map((record) => attentionStep(record, attach)).filter((step) => step !== '');
  const more = steps.length - SPELLED_OUT;
  const others = more > 0 ? [`${more} more need you: see jobs.`] : [];
  return [...steps.slice(0, SPELLED_OUT), ...others].join(' ');
}

/** What is left to do for jobs that are final: nothing, but for those that failed. */
export function finalStep(records: readonly JobRecord[]): string {
  const failed = records.filter(({ status }) => status === 'failed');
  const [first] = failed;
  if (first === undefined) return 'Nothing is left to wait for.';
  const include = ['events', 'screen', ...(first.reason === 'validation_failed' ? ['validation'] : [])];
  const why = callOf('job_logs', { job_id: first.job_id, include });
  const others = failed.length > 1 ? ` The same for ${failed.length - 1} more.` : '';
  return `Nothing is left to wait for. Why it failed: ${why}${others} Then delegate it again if it is still to be done.`;
}

/** What helps is done at the job before it. */
function behindStep(record: JobRecord, { job_id, needs }: Behind): string {
  const call = callOf('job_status', { job_id });
  const step = `Job ${job_id} has its pane and needs somebody (${needs}): ${call}`;
  const cancel = callOf('cancel_job', { job_id: record.job_id });
  return needsAttention(record) ? `${step} Or give this one up: ${cancel}` : step;
}

function answerStep(record: JobRecord): string {
  const { job_id, reason } = record;
  const kept = obstacleOf(record);
  const screen = `See its screen: ${callOf('job_logs', { job_id, include: ['events', 'screen'] })}`;
  if (waitsInItsPane(record)) return screen;
  const check = openRequest(record);
  if (check !== undefined && isAboutCheck(check)) return checkStep(record, check.request_id);
  if (reason === 'permission') {
    const { request_id } = openRequest(record) ?? {};
    const call = callOf('answer_job', { job_id, decision: 'allow', request_id });
    return `Decide: ${call} Or decision "deny".`;
  }
  if (reason === 'question') return `Answer: ${callOf('answer_job', { job_id, text: 'YOUR ANSWER' })}`;
  // An instruction would wait as what is kept already does.
  if (kept !== undefined && reason !== undefined && reason !== 'delivery_unverified')
    return `${capital(kept.stands)}. ${kept.remedy} ${screen}`;
  const instruct = callOf('answer_job', { job_id, text: 'YOUR INSTRUCTION' });
  if (reason === 'turn_ended') return `Tell it how to go on: ${instruct}`;
  const cancel = callOf('cancel_job', { job_id });
  const giveUp = `Or give it up: ${cancel}`;
  // Nothing has arrived in its pane yet: an instruction would not either.
  if (kept !== undefined && reason === undefined)
    return `${capital(kept.stands)}. ${kept.remedy} ${screen} ${giveUp}`;
  if (record.status === 'queued') return `${screen} ${giveUp}`;
  // An instruction would wait behind the order, which only a person can send now.
  if (reason === 'delivery_unverified' && record.submitted_at === undefined)
    return `${screen} If a dialog is there, a person has to answer it; if the order stands in the input box, to press Enter. If it never came: ${cancel} Then delegate it again.`;
  return `${screen} If it only has to be told to go on: ${instruct} ${giveUp}`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** The peer has done its part: what is left is whoever delegated it. */
function checkStep({ job_id }: JobRecord, request_id: string): string {
  const allow = callOf('answer_job', { job_id, decision: 'allow', request_id });
  return (
    `Mend what kept the check from its end and run it by hand: ${callOf('verify_job', { job_id })} ` +
    `Then take the work: ${allow} Or decision "deny": the job fails. When the peer reports completed once more, it is checked again.`
  );
}
