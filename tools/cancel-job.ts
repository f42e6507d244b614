import { z } from 'zod';
import { MamError } from '../src/base/errors.ts';
import { LIMITS } from '../src/job/limits.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';
import { jobView } from '../src/view/job.ts';
import { jobSchema } from '../src/view/job-schema.ts';
import { cancelSummary } from '../src/view/summary.ts';

export default defineTool({
  name: 'cancel_job',
  title: 'Cancel a job',
  description:
    'Cancel a delegated job: stop, abort or withdraw work that was handed to another agent. ' +
    'A queued job is never typed; one that is being worked on is final at once, and its peer is told to stop with its next report. ' +
    "It never ends the agent's program or its tmux session, and never undoes what the peer has changed.",
  inputSchema: z.strictObject({
    job_id: z.string().describe('Id of the delegated job'),
    reason: z
      .string()
      .max(LIMITS.detailChars)
      .optional()
      .describe('Why, for the record and for the peer, at most 2,000 characters. Default: none'),
    interrupt: z
      .boolean()
      .default(false)
      .describe("Also press the agent's interrupt key, where it has one and is in a turn. Default: false"),
  }),
  outputSchema: z.object({
    summary: z.string(),
    changed: z.boolean().describe('false when the job was final already'),
    note: z.string().describe('what was done about the order in the pane'),
    ...jobSchema.shape,
    next: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  roles: ['supervisor'],

  async handle(args, { engine, caller }) {
    const { record, changed, note } = await engine.request('cancel', {
      job_id: args.job_id,
      registry_dir: engine.settings.registryDir,
      reason: args.reason,
      by: 'supervisor',
      interrupt: args.interrupt,
      seen_by: caller.session,
    });
    if (record === undefined) throw new MamError('not_found', `Job ${args.job_id} is let go.`, note);
    return {
      summary: cancelSummary(record, changed, args.interrupt ? note : undefined),
      changed,
      note,
      ...jobView(record),
      next: changed
        ? 'Nothing is left to do.'
        : callOf('job_status', { job_id: record.job_id, events_after: 0 }),
    };
  },
});
