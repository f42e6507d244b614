import { z } from 'zod';
import { LIMITS } from '../src/job/limits.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';
import { jobView } from '../src/view/job.ts';
import { jobSchema } from '../src/view/job-schema.ts';
import { answerSummary } from '../src/view/summary.ts';

export default defineTool({
  name: 'answer_job',
  title: "Answer a job's question or permission request",
  description:
    'Answer a delegated job that asks for something: reply to the question of its peer with text, or approve or reject its permission request with decision allow or deny. ' +
    'A decision counts once, for exactly the request that is open. Text for a job that has asked nothing is a further instruction; the peer gets it with its next report, or in its pane when it is idle.',
  inputSchema: z.strictObject({
    job_id: z.string().describe('Id of the delegated job'),
    text: z
      .string()
      .max(LIMITS.detailChars)
      .optional()
      .describe(
        'The answer to the question, or an instruction, at most 2,000 characters. Give this or decision',
      ),
    decision: z
      .enum(['allow', 'deny'])
      .optional()
      .describe(
        'For a permission request, or work whose check could not run: allow it once, or deny it. Give this or text',
      ),
    request_id: z
      .string()
      .optional()
      .describe(
        'With decision: id of the request that is meant (open_request_id). Default: the one shown last',
      ),
  }),
  outputSchema: z.object({
    summary: z.string(),
    delivered: z.string().describe('how far the answer has got'),
    ...jobSchema.shape,
    next: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  roles: ['supervisor'],

  async handle(args, { engine }) {
    const { record, delivered } = await engine.request('answer', {
      job_id: args.job_id,
      registry_dir: engine.settings.registryDir,
      text: args.text,
      decision: args.decision,
      request_id: args.request_id ?? engine.shownRequest(args.job_id),
      by: 'supervisor',
    });
    return {
      summary: answerSummary(record, delivered),
      delivered,
      ...jobView(record),
      next: callOf('wait_job', { job_id: record.job_id }),
    };
  },
});
