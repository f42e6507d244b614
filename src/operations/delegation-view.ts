import { cleanLine, counted, someOf } from '../base/text.ts';
import { agentWords } from '../job/agent-words.ts';
import { obstacleOf } from '../job/obstacle.ts';
import type { JobRecord } from '../job/record.ts';
import { standingOf } from '../job/standing.ts';
import { isFinal, NEW_CONVERSATION } from '../job/words.ts';
import { attacher, type Standpoint } from '../view/attach.ts';
import { hostOf } from '../view/home.ts';
import { obstacleText } from '../view/summary.ts';
import type { DelegateResult, PreviewResult } from './delegate.ts';

const EVIDENCE_CHARS = 300;
const NAMED_JOBS = 5;

/** The answer to a delegation, without the next step. */
export function delegationView(result: DelegateResult, from: Standpoint) {
  const { record, delivery, position, behind, repeated, warnings } = result;
  const { agent_session: session } = record;
  const { phase: _, behind: __, ...standing } = standingOf(record);
  const isExplained = (standing.blocked_by ?? standing.reason) !== undefined;
  return {
    summary: summarize(result),
    job_id: record.job_id,
    ...standing,
    detail: isExplained ? record.detail && cleanLine(record.detail, EVIDENCE_CHARS) : undefined,
    delivery_stage: isUnconfirmed(record)
      ? 'unconfirmed'
      : (delivery.findLast(({ stage }) => stage !== NEW_CONVERSATION)?.stage ?? 'queued'),
    delivery,
    new_conversation: conversationText(result),
    position,
    behind,
    peer_server: record.peer_server,
    agent_session: session,
    worktree: record.worktree,
    attach_command: attacher(from)(record),
    registry_dir: record.registry_dir,
    log_dir: record.log_dir,
    repeated,
    dry_run: false,
    warnings,
  };
}

/** The answer to a dry run, without the next step. @param given the session as the caller gave it */
export function previewView(result: PreviewResult, given: string | undefined, from: Standpoint) {
  // The name of a new one has the job's id, which a dry run only makes up.
  const session = result.record.new_session === undefined ? given : 'a new session';
  return {
    ...delegationView(result, from),
    summary: `Nothing was changed: ${wouldBe(result, session)}`,
    target: session,
    dry_run: true,
    typed_text: result.typed_text,
    preamble: result.preamble,
    would_refuse: result.would_refuse,
  };
}

function wouldBe(result: PreviewResult, session: string | undefined): string {
  const { record, repeated, position, behind, would_refuse: refusal } = result;
  if (refusal !== undefined) return `the call itself would be refused now. ${refusal}`;
  if (repeated) {
    return `job ${record.job_id} was delegated before with the same key and is ${record.status}. The call would return it and type nothing.`;
  }
  if (record.agent === 'human') {
    const shown = session === undefined ? '' : ` and be shown to anyone attached to ${session}`;
    return `nothing would be typed, because the job is for a person. It would appear in \`mam list\`${shown}, and the person would end it with \`mam done\`.`;
  }
  const { after = [] } = record;
  const then =
    after.length === 0
      ? ''
      : `, once ${someOf(after, NAMED_JOBS)} ${after.length === 1 ? 'has' : 'have'} ended`;
  if (record.typing?.started === true)
    return `${agentWords(record)} would be started in ${session} with this order${then}.`;
  const first = record.fresh === true ? `, in a new conversation that ${commandOf(record)} begins` : '';
  const what = `this is what would be typed into ${session}${first}`;
  if (then !== '') return `${what}${then}.`;
  if (position > 0)
    return `${what}, after ${counted(position, 'other job')} (${behind[0]} has the pane${needOfHolder(record)}).`;
  const kept = obstacleOf(record);
  return kept === undefined ? `${what}.` : `${what}, but not yet: ${kept.cause}. ${kept.remedy}`;
}

function summarize({ record, repeated, position, behind }: DelegateResult): string {
  const host = hostOf(record);
  const job = `Job ${record.job_id}${host === undefined ? '' : ` on ${host}`}`;
  if (repeated) return `${job} was delegated before with the same key and is ${record.status}.`;
  if (isUnconfirmed(record))
    return `Job ${record.job_id} was sent to ${host}, which has not confirmed it: whether it has the job will show as soon as it answers. Do not delegate it again before that.`;
  const given = `${job} was delegated to ${agentWords(record)}`;
  if (record.reason === 'delivery_unverified') return `${given}, but its arrival was not confirmed.`;
  if (record.reason !== undefined) return `${given} and is ${record.status} (${record.reason}).`;
  if (record.agent === 'human') {
    if (isFinal(record.status)) return `${job} is for a person, and is ${record.status}.`;
    if (record.phase === 'queued' && record.blocked_by !== undefined)
      return `${job} is for a person, and is registered and waiting: ${obstacleText(record)}`;
    return `${job} is for a person, who ends it with \`mam done ${record.job_id} "THE OUTCOME"\`.`;
  }
  if (record.status !== 'queued')
    return `${job} was handed to ${agentWords(record)} and is ${record.status}.`;
  if (record.phase !== 'queued')
    return `${job} is being delivered to its pane; the agent has not taken it yet.`;
  if (position > 0 && record.blocked_by !== 'pool')
    return `${job} waits for ${counted(position, 'other job')} (${behind[0] ?? 'another'} has the pane${needOfHolder(record)}).`;
  const kept = obstacleText(record);
  if (kept === undefined) return `${job} is registered and on its way to the pane.`;
  return `${job} is registered and waiting: ${kept}`;
}

/** True while another machine has not said whether it has the job. */
function isUnconfirmed({ home, seq }: JobRecord): boolean {
  return home?.state === 'asking' && seq === 0;
}

/** How the new conversation is begun, and whether it was; undefined if none was asked for. */
function conversationText({ record, delivery }: DelegateResult): string | undefined {
  if (record.fresh !== true) return undefined;
  const { evidence } = delivery.find(({ stage }) => stage === NEW_CONVERSATION) ?? {};
  if (evidence !== undefined) return `begun: ${cleanLine(evidence, EVIDENCE_CHARS)}`;
  if (record.typing?.started === true) return 'the agent is started for this job';
  return isFinal(record.status) ? undefined : `${commandOf(record)} is typed first, right before the order`;
}

function commandOf({ typing }: JobRecord): string {
  return typing?.fresh?.trim() ?? 'its own command';
}

function needOfHolder({ behind }: JobRecord): string {
  return behind === undefined ? '' : ` and needs someone: ${behind.needs}`;
}
