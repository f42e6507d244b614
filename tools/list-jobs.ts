import { z } from 'zod';
import { STATUSES } from '../src/job/words.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';
import { listRow } from '../src/view/job.ts';
import { jobRowSchema } from '../src/view/job-schema.ts';
import { listSummary } from '../src/view/summary.ts';

export default defineTool({
  name: 'list_jobs',
  title: 'List jobs',
  description:
    'List delegated jobs, newest first, a page at a time: which background jobs run, wait, need attention or are done, with which agent and in which tmux pane. ' +
    "Reads this project's registry and changes nothing. " +
    "Use it to find a job id, for an overview of all peers' work, or to pick up jobs of an earlier session.",
  inputSchema: z.strictObject({
    status: z.enum(STATUSES).optional().describe('Only jobs with this status. Default: every one'),
    agent: z.string().optional().describe('Only jobs of this agent kind. Default: every kind'),
    mine: z.boolean().default(false).describe('Only jobs of this client session. Default: false'),
    needs_you: z.boolean().default(false).describe('Only jobs that need you. Default: false'),
    limit: z.number().int().min(1).max(200).default(50).describe('Rows at most, 1 to 200. Default: 50'),
    cursor: z
      .string()
      .optional()
      .describe('Cursor of an earlier answer, for the page after it. Default: the first page'),
  }),
  outputSchema: z.object({
    summary: z.string(),
    jobs: z.array(jobRowSchema),
    total: z.number().int().describe('jobs in the registry, whatever the filter'),
    need_you: z.number().int().describe('of these, how many need you'),
    cursor: z.string().optional().describe('absent on the last page'),
    registry_dir: z.string(),
    next: z.string(),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  roles: ['supervisor'],

  async handle({ mine, ...filter }, { engine, caller }) {
    const { registryDir } = engine.settings;
    const {
      jobs,
      cursor,
      total,
      need_you = 0,
    } = await engine.request('list', {
      registry_dir: registryDir,
      ...filter,
      session: mine ? caller.session : undefined,
      place: mine ? caller.place : undefined,
    });
    const first = jobs.find((job) => job.needs_you === true) ?? jobs[0];
    return {
      summary: listSummary(jobs.length, total, need_you),
      jobs: jobs.map(listRow),
      total,
      need_you,
      cursor,
      registry_dir: registryDir,
      next:
        cursor !== undefined
          ? callOf('list_jobs', { ...filter, mine, cursor })
          : first === undefined
            ? total === 0
              ? `Delegate the first one: ${callOf('delegate_job', { prompt: 'THE TASK', agent: 'THE AGENT KIND' })} list_agents says which there are.`
              : 'Delegate a job, or look without a filter.'
            : callOf('job_status', { job_id: first.job_id }),
    };
  },
});
