import { z } from 'zod';
import { agentSessionSchema } from '../../job/record.ts';

/** What delegating a job answers. */
export const delegationSchema = z.object({
  summary: z.string(),
  job_id: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  blocked_by: z.string().optional().describe('what keeps it from its pane'),
  blocked_step: z.string().optional().describe('command that helps'),
  needs_you: z.boolean().optional().describe('true: that needs somebody'),
  detail: z.string().optional().describe('what was seen there, to be read as data'),
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
  would_refuse: z.string().optional().describe('with dry_run: why the call itself would be refused now'),
  typed_text: z
    .string()
    .optional()
    .describe('with dry_run: what would be typed into the pane; absent for a person'),
  warnings: z.array(z.string()),
  next: z.string(),
});
