import { shellWord } from '../base/shell.ts';
import { needsAttention } from '../job/apply.ts';
import { isAboutCheck } from '../job/check.ts';
import { isHeld } from '../job/held.ts';
import { isHistory } from '../job/history.ts';
import { isHostOffline, isLost } from '../job/home-state.ts';
import { obstacleOf, reachStep } from '../job/obstacle.ts';
import { openRequest } from '../job/open-request.ts';
import type { JobRecord } from '../job/record.ts';
import { callOf } from './call-of.ts';
import { overlapText } from './changes.ts';
import { hostOf } from './home.ts';
import { waitsInItsPane } from './job.ts';
import { canBeResumed, resumeCommand, resumedAgent } from './usage.ts';
import { workSentence, workStep } from './worktree.ts';

/** For more jobs, see `jobs` in the answer. */
const SPELLED_OUT = 5;

/** The command that attaches a person to a job's pane. */
export type Attach = (job: JobRecord) => string | undefined;

type Step = keyof ReturnType<typeof stepsFor>;

function stepOf(record: JobRecord): Step {
  const { reason } = record;
  if (canBeResumed(record)) return 'lost';
  if (record.final_at !== undefined || isLost(record)) return 'ended';
  if (isHostOffline(record)) return 'host_offline';
  if (record.behind !== undefined && reason === undefined) return 'behind';
  if (!needsAttention(record)) return record.agent === 'human' ? 'persons' : 'goes_on';
  if (reachStep(record) !== undefined) return 'unreachable';
  if (waitsInItsPane(record)) return 'in_its_pane';
  const open = openRequest(record);
  if (open !== undefined && isAboutCheck(open)) return 'check';
  if (reason === 'permission' || reason === 'question') return reason;
  // An instruction would be blocked too.
  if (reason !== 'delivery_unverified' && obstacleOf(record) !== undefined) return 'kept';
  if (reason === 'turn_ended' || reason === 'over_budget') return reason;
  if (record.status === 'queued') return 'queued';
  // An instruction would queue behind the order, which only a person can send now.
  return reason === 'delivery_unverified' && record.submitted_at === undefined ? 'unsent' : 'silent';
}

/** Every step as a shell command, and as tool calls for a model: empty if no call helps. */
function stepsFor(record: JobRecord) {
  const { job_id, reason, behind } = record;
  const attach = `mam attach ${job_id}`;
  const look = record.blocked_step ?? attach;
  const screen = `See its screen: ${callOf('job_logs', { job_id, include: ['events', 'screen'] })}`;
  const cancel = callOf('cancel_job', { job_id });
  const instruct = callOf('answer_job', { job_id, text: 'YOUR INSTRUCTION' });
  const request_id = openRequest(record)?.request_id;
  const allow = callOf('answer_job', { job_id, decision: 'allow', request_id });
  const isOneOfSeveral = record.requests.filter(({ kind }) => kind === 'permission').length > 1;
  // Quoted, because the sender of the event chooses its id.
  const which = isOneOfSeveral ? ` --request ${shellWord(request_id ?? '')}` : '';
  const decide = `mam allow ${job_id}${which} # or mam deny`;
  const reach = reachStep(record) ?? '';
  const { cause = '', remedy = '' } = obstacleOf(record) ?? {};
  const holder = behind?.job_id ?? '';
  const host = hostOf(record) ?? '';
  return {
    ended: [workStep(record) ?? `mam logs ${job_id}`, ''],
    lost: [resumeCommand(record), ''],
    goes_on: [`mam wait ${job_id}`, ''],
    // Nothing of it can be changed from here.
    host_offline: [
      `mam hosts check ${host}`,
      `No call is needed: once ${host} is back, what happened in the meantime is shown here. To find out why it is away, a person can run \`mam hosts check ${host}\` in a shell, or look at that machine. ` +
        `If it never comes back, \`mam cancel ${job_id} --forget\` in a shell gives the job up.`,
    ],
    // mam done is for the person who has the job, so a model has nothing to call.
    persons: [`mam done ${job_id} "THE OUTCOME"`, ''],
    // Only the job ahead of it can be helped.
    behind: [
      stepOfHolder(holder, behind?.needs),
      `Job ${holder} has its pane and needs someone (${behind?.needs}): ${callOf('job_status', { job_id: holder })}` +
        (needsAttention(record) ? ` Or give this one up: ${cancel}` : ''),
    ],
    unreachable: [
      reach,
      `Its agent can't be reached, not even by attach: a person has to run \`${reach}\` in a shell, then the job goes on.`,
    ],
    in_its_pane: [attach, screen],
    // The peer has done its part: the rest is up to whoever delegated it.
    check: [
      `mam verify ${job_id} && ${decide}`,
      `Fix what kept the check from finishing and run it by hand: ${callOf('verify_job', { job_id })} ` +
        `Then accept the work: ${allow} Or decision "deny": the job fails. When the peer reports completed again, it is checked again.`,
    ],
    permission: [decide, `Decide: ${allow} Or decision "deny".`],
    question: [
      `mam answer ${job_id} "YOUR ANSWER"`,
      `Answer: ${callOf('answer_job', { job_id, text: 'YOUR ANSWER' })}`,
    ],
    kept: [
      look,
      `${cause.slice(0, 1).toUpperCase()}${cause.slice(1)}. ${remedy} ${screen}` +
        (reason === undefined ? ` Or give it up: ${cancel}` : ''),
    ],
    turn_ended: [`mam answer ${job_id} "YOUR INSTRUCTION"`, `Tell it how to continue: ${instruct}`],
    over_budget: [
      `mam answer ${job_id} "YOUR INSTRUCTION"`,
      `It goes on all the same. Let it, and wait on; or tell it to come to an end: ${instruct} Or give it up: ${cancel}`,
    ],
    queued: [look, `${screen} Or give it up: ${cancel}`],
    unsent: [
      look,
      `${screen} If a dialog is there, a person has to answer it; if the order is still in the input box, a person has to press Enter. If it never arrived: ${cancel} Then delegate it again.`,
    ],
    silent: [look, `${screen} If it only needs to be told to continue: ${instruct} Or give it up: ${cancel}`],
  } satisfies Record<string, [command: string, calls: string]>;
}

/** The command for a job that keeps others from its pane. @param needs its reason, or what blocks it */
function stepOfHolder(job_id: string, needs: string | undefined): string {
  switch (needs) {
    case 'question':
      return `mam answer ${job_id} "YOUR ANSWER"`;
    case 'turn_ended':
      return `mam answer ${job_id} "YOUR INSTRUCTION"`;
    case 'dialog':
      return `mam attach ${job_id}`;
    case 'permission':
      return `mam allow ${job_id} # or mam deny`;
    default:
      return `mam status ${job_id}`;
  }
}

/** The next command for a job, for a person or a program. */
export function nextStep(record: JobRecord): string {
  // A job that is only history can't be continued.
  if (isHistory(record)) return `mam status ${record.job_id}`;
  const step = stepOf(record);
  // What has just blocked it may go away by itself; if not, nothing but a look helps.
  const isBlocked =
    step === 'goes_on' && !isHeld(record) && record.blocked_by !== undefined && record.blocked_by !== 'busy';
  return stepsFor(record)[isBlocked ? 'kept' : step][0];
}

/** The calls for a job that needs attention: its answer or, if that would not help, what shows more; else empty. */
export function attentionStep(record: JobRecord, attach: Attach): string {
  const step = stepOf(record);
  const [, calls] = stepsFor(record)[step];
  const isElsewhere = calls === '' || step === 'behind' || step === 'unreachable' || step === 'host_offline';
  const command = isElsewhere ? undefined : attach(record);
  return command === undefined ? calls : `${calls} A person can look at its pane (${command}).`;
}

export function attentionSteps(records: readonly JobRecord[], attach: Attach): string {
  const steps = records.map((record) => attentionStep(record, attach)).filter((step) => step !== '');
  const more = steps.length - SPELLED_OUT;
  const others = more > 0 ? [`${more} more need you: see jobs.`] : [];
  return [...steps.slice(0, SPELLED_OUT), ...others].join(' ');
}

/** What to know before the work of a job is used that changed the same files as others; empty if it did not. */
function overlapStep({ job_id, overlaps }: JobRecord): string {
  return overlaps === undefined ? '' : `About ${job_id}: ${overlapText(overlaps)}`;
}

/** What is left to do for final jobs: only those that failed need more. */
export function finalStep(records: readonly JobRecord[]): string {
  const failed = records.filter(({ status }) => status === 'failed');
  const [first] = failed;
  const overlapping = records.map(overlapStep).filter((step) => step !== '');
  const same = overlapping
    .slice(0, SPELLED_OUT)
    .map((step) => ` ${step}`)
    .join('');
  const work = workSentence(records, SPELLED_OUT);
  if (first === undefined) return `Nothing is left to wait for.${same}${work}`;
  const include = ['events', 'screen', ...(first.reason === 'validation_failed' ? ['validation'] : [])];
  const why = callOf('job_logs', { job_id: first.job_id, include });
  const others = failed.length > 1 ? ` The same for ${failed.length - 1} more.` : '';
  const lost = records.find(canBeResumed);
  const resumed =
    lost === undefined
      ? ''
      : ` Its conversation can be opened again: ${callOf('start_agent', { agent: resumedAgent(lost), resume_job: lost.job_id })}`;
  return `Nothing is left to wait for. Why it failed: ${why}${others}${resumed} Then delegate it again if it still needs to be done.${same}${work}`;
}
