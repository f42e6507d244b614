import { cleanLine } from '../base/text.ts';
import { obstacleOf } from '../job/obstacle.ts';
import type { JobRecord } from '../job/record.ts';
import { standingOf } from '../job/standing.ts';
import { attachCommand, type Standpoint } from '../view/attach.ts';
import { obstacleText } from '../view/summary.ts';
import type { DelegateResult, PreviewResult } from './delegate.ts';

const EVIDENCE_CHARS = 300;

/** The hub's answer for the one who delegates, but for the next step. */
export function delegationView(result: DelegateResult, from: Standpoint) {
  const { record, delivery, position, behind, repeated, warnings } = result;
  const { agent_session: session } = record;
  const { phase: _, behind: __, ...standing } = standingOf(record);
  const isTold = (standing.blocked_by ?? standing.reason) !== undefined;
  return {
    summary: summarize(result),
    job_id: record.job_id,
    ...standing,
    detail: isTold ? record.detail && cleanLine(record.detail, EVIDENCE_CHARS) : undefined,
    delivery_stage: delivery.at(-1)?.stage ?? 'queued',
    delivery,
    position,
    behind,
    peer_server: record.peer_server,
    agent_session: session,
    attach_command: session && attachCommand(session, from),
    registry_dir: record.registry_dir,
    log_dir: record.log_dir,
    repeated,
    dry_run: false,
    warnings,
  };
}

/**
 * The hub's answer to what a delegation would do, but for the next step. @param session as it was asked for
 */
export function previewView(result: PreviewResult, session: string | undefined, from: Standpoint) {
  return {
    ...delegationView(result, from),
    summary: `Nothing was changed: ${wouldBe(result, session)}`,
    target: session,
    dry_run: true,
    typed_text: result.typed_text,
    would_refuse: result.would_refuse,
  };
}

function wouldBe(result: PreviewResult, session: string | undefined): string {
  const { record, repeated, position, behind, would_refuse: refusal } = result;
  if (refusal !== undefined) return `the call itself would be refused now. ${refusal}`;
  if (repeated) {
    return `job ${record.job_id} was delegated before with the same key and is ${record.status}. It would be answered again, and nothing typed.`;
  }
  if (record.agent === 'human') {
    const shown = session === undefined ? '' : ` and be shown to those who look at ${session}`;
    return `nothing would be typed, as the job is for a person. It would be in \`mam list\`${shown}, and the person would end it with \`mam done\`.`;
  }
  if (record.typing?.started === true)
    return `${record.agent} would be started in ${session}, and given this.`;
  const what = `this is what would be typed into ${session}`;
  if (position > 0)
    return `${what}, behind ${position} at its pane (${behind[0]} has it${needOfHolder(record)}).`;
  const kept = obstacleOf(record);
  return kept === undefined ? `${what}.` : `${what} once it can be: ${kept.cause}. ${kept.remedy}`;
}

function summarize({ record, repeated, position, behind }: DelegateResult): string {
  const job = `Job ${record.job_id}`;
  if (repeated) return `${job} was delegated before with the same key and is ${record.status}.`;
  const given = `${job} was given to ${record.agent}`;
  if (record.reason === 'delivery_unverified') return `${given}, but it is not known that it has arrived.`;
  if (record.reason !== undefined) return `${given} and is ${record.status} (${record.reason}).`;
  if (record.status !== 'queued') return `${job} was handed to ${record.agent} and is ${record.status}.`;
  if (record.phase !== 'queued') return `${job} is on its way into its pane, and not seen to be taken yet.`;
  if (position > 0)
    return `${job} waits behind ${position} at its pane (${behind[0] ?? 'another job'} has it${needOfHolder(record)}).`;
  const kept = obstacleText(record);
  if (kept === undefined) return `${job} is registered and on its way to the pane.`;
  return `${job} is registered and waits: ${kept}`;
}

function needOfHolder({ behind }: JobRecord): string {
  return behind === undefined ? '' : ` and needs someone: ${behind.needs}`;
}
