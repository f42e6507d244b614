import { LIMITS } from '../src/job/limits.ts';
import { addressOf } from '../src/operations/host-address.ts';
import { filterThere, type ListResult, listJobs, listView, listViewAt } from '../src/operations/list.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

/** Room for the jobs of a page of the usual length, in characters of JSON. */
const ROOM = LIMITS.answerChars - 2_000;

export default defineTool({
  name: 'list_jobs',
  title: 'List jobs',
  description:
    'List delegated jobs, those that need you first, a page at a time: which background jobs are running, waiting, need attention or are done, with which agent and in which tmux pane. ' +
    "Reads this project's registry. " +
    'Use it to find a job id, for an overview of all work, or to pick up jobs of an earlier session.',
  operation: listJobs,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },

  async handle({ mine, host: named, ...filter }, { engine, caller }) {
    const { registryDir } = engine.settings;
    const { host } = addressOf({ host: named }, engine.settings);
    if (host !== undefined) {
      const params = filterThere({ ...filter, mine, host });
      const there = (await engine.request('ask_host', { host, command: 'list', params })) as unknown;
      const next = `Jobs that you have delegated to ${host} are in list_jobs without host too.`;
      return { ...listViewAt(host, there as ListResult), next };
    }
    const { session, place } = caller;
    const owner = mine ? { session, place } : {};
    // A longer page was asked for.
    const room = filter.limit > listJobs.fields.limit.fallback ? undefined : ROOM;
    const result = await engine.request('list', { registry_dir: registryDir, ...filter, ...owner, room });
    return { ...listView(result, registryDir), next: nextStep(result) };

    function nextStep({ jobs, cursor, total }: ListResult): string {
      if (cursor !== undefined) return callOf('list_jobs', { ...filter, mine, cursor });
      const first = jobs.find((job) => job.needs_you === true) ?? jobs[0];
      if (first !== undefined) return callOf('job_status', { job_id: first.job_id });
      if (total > 0) return 'Delegate a job, or list without a filter.';
      return `Delegate the first one: ${callOf('delegate_job', { prompt: 'THE TASK', agent: 'THE AGENT KIND' })} list_agents lists the kinds.`;
    }
  },
});
