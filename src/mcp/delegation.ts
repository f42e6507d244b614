import { resolve } from 'node:path';
import { z } from 'zod';
import { newJobId } from '../job/id.ts';
import { composeOrder } from '../job/order.ts';
import { agentSessionSchema } from '../job/record.ts';
import type { DelegateResult } from '../job/request.ts';
import { attachCommand } from './attach.ts';
import { callOf } from './job-view.ts';
import type { EngineSettings, ToolContext } from './tool.ts';

/** What delegating a job answers. */
export const delegationSchema = z.object({
  summary: z.string(),
  job_id: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  delivery_stage: z
    .string()
    .describe('how far the prompt got: queued, pasting, visible, submitted, acknowledged or started'),
  delivery: z
    .array(z.object({ stage: z.string(), at: z.string(), evidence: z.string().optional() }))
    .describe('the delivery receipt'),
  position: z.number().int().describe('jobs before this one at the same pane'),
  behind: z.array(z.string()).describe('ids of these jobs, the one that has the pane first'),
  peer_server: z
    .string()
    .optional()
    .describe("connected when the peer's own server of this kind is known to run, else unknown"),
  agent_session: agentSessionSchema.optional().describe('where the peer lives'),
  target: z.string().optional().describe('with dry_run: the session that was meant'),
  attach_command: z.string().optional().describe('what a person types to look at the agent'),
  registry_dir: z.string(),
  log_dir: z.string(),
  repeated: z.boolean().describe('true when the same request_key gave an earlier job'),
  dry_run: z.boolean(),
  typed_text: z.string().optional().describe('with dry_run: what would be typed into the pane'),
  warnings: z.array(z.string()),
  next: z.string(),
});
type Delegation = z.input<typeof delegationSchema>;

/** The hub's answer for the one who delegates. */
export function delegation(result: DelegateResult, { engine, caller }: ToolContext): Delegation {
  const { record } = result;
  const session = record.agent_session;
  return {
    summary: summarize(result),
    ...record,
    delivery_stage: result.delivery.at(-1)?.stage ?? 'queued',
    delivery: result.delivery,
    position: result.position,
    behind: result.behind,
    attach_command: session && attachCommand(session, caller, engine.settings),
    repeated: result.repeated,
    dry_run: false,
    warnings: result.warnings,
    next: callOf('wait_job', { job_id: record.job_id }),
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

/** What would be typed, with an id of the same form; needs no hub, tmux or session. */
export function preview(prompt: string, session: string | undefined, settings: EngineSettings): Delegation {
  const job_id = newJobId(prompt);
  const log_dir = resolve(settings.logsDir ?? settings.registryDir, job_id);
  const task_file = resolve(settings.registryDir, job_id, 'prompt.md');
  return {
    summary: `Nothing was changed: this is what would be typed into ${session ?? 'the session'}.`,
    job_id,
    status: 'queued',
    delivery_stage: 'queued',
    delivery: [],
    position: 0,
    behind: [],
    target: session,
    registry_dir: settings.registryDir,
    log_dir,
    repeated: false,
    dry_run: true,
    typed_text: composeOrder(job_id, prompt, settings.mamCommand, task_file),
    warnings: [],
    next: 'Call delegate_job again with dry_run false to delegate the job; it will get another id.',
  };
}
