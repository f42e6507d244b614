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
}

/** What would be typed, with an id of the same form; needs no hub, tmux or session. */
export function previewView(prompt: string, session: string | undefined, place: PreviewPlace) {
  const job_id = newJobId(prompt);
  const task_file = resolve(place.registryDir, job_id, 'prompt.md');
  return {
    summary: `Nothing was changed: this is what would be typed into ${session ?? 'the session'}.`,
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
    typed_text: composeOrder(job_id, prompt, place.mamCommand, task_file),
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
