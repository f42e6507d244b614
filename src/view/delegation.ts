import { resolve } from 'node:path';
import { newJobId } from '../job/id.ts';
import { composeOrder } from '../job/order.ts';
import type { DelegateResult } from '../job/request.ts';
import { attachCommand, type Standpoint } from './attach.ts';

/** The hub's answer for the one who delegates, but for the next step. */
export function delegationView(result: DelegateResult, from: Standpoint) {
  const { record, delivery, position, behind, repeated, warnings } = result;
  const { agent_session: session } = record;
  return {
    summary: summarize(result),
    job_id: record.job_id,
    status: record.status,
    reason: record.reason,
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

/** Where a preview would put things. */
export interface PreviewPlace {
  registryDir: string;
  logsDir?: string | undefined;
  mamCommand: string;
  trustPane: boolean;
}

/** What no preview looks at: it would need the hub, and tmux. */
const UNCHECKED =
  'Not checked: whether that agent is there and free, and how many jobs are open (MAM_MAX_OPEN_JOBS).';

/**
 * What would be typed, with an id of the same form; needs no hub, tmux or session.
 * @param kind for a person nothing is typed
 */
export function previewView(
  prompt: string,
  session: string | undefined,
  kind: { isHuman: boolean; takesTask: boolean },
  place: PreviewPlace,
) {
  const job_id = newJobId(prompt);
  const task_file = resolve(place.registryDir, job_id, 'prompt.md');
  const task = kind.takesTask || place.trustPane ? prompt : undefined;
  const shown = session === undefined ? '' : ` and be shown to those who look at ${session}`;
  return {
    summary: kind.isHuman
      ? `Nothing was changed: nothing would be typed, as the job is for a person. It would stand in \`mam list\`${shown}, and the person would end it with \`mam done\`. Not checked: how many jobs are open (MAM_MAX_OPEN_JOBS)${session === undefined ? '' : ', and whether that session is there'}.`
      : `Nothing was changed: this is what would be typed into ${session ?? 'the session'}. ${UNCHECKED}`,
    job_id,
    status: 'queued',
    delivery_stage: 'queued',
    delivery: [],
    position: 0,
    behind: [],
    target: session,
    registry_dir: place.registryDir,
    log_dir: resolve(place.logsDir ?? place.registryDir, job_id),
    repeated: false,
    dry_run: true,
    typed_text: kind.isHuman
      ? undefined
      : composeOrder(job_id, { prompt: task, mam: place.mamCommand, taskFile: task_file }),
    warnings: [],
  };
}

function summarize({ record, repeated, position, behind }: DelegateResult): string {
  const job = `Job ${record.job_id}`;
  if (repeated) return `${job} was delegated before with the same key and is ${record.status}.`;
  if (record.status !== 'queued') return `${job} was handed to ${record.agent} and is ${record.status}.`;
  if (position > 0)
    return `${job} waits behind ${position} at its pane (${behind[0] ?? 'another job'} has it).`;
  if (record.blocked_by === undefined) return `${job} is registered and on its way to the pane.`;
  return `${job} is registered and waits: its pane cannot be typed into now (${record.blocked_by}).`;
}
