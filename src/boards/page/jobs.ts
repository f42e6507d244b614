import type { JobRow } from '../../job/row.ts';
import { arranged, type Placed } from '../model/order.ts';
import { countJobs, countText } from '../model/rows.ts';
import type { Host } from './host.ts';

/** What `list_jobs` answers, as far as the page needs it. */
export interface JobList {
  jobs: JobRow[];
  total: number;
  cursor?: string;
}

/** Which jobs to show: those that the model asked for when it opened the page. */
export interface Filter {
  status?: string;
  agent?: string;
  mine?: boolean;
}

/** How long a refresh may take, in ms. */
export const REPLY_TIMEOUT_MS = 15_000;
/** How many jobs are requested at first, and the most that the server returns. */
const FIRST = 50;
const MOST = 200;

/** The filter in the arguments of a call, without paging. */
export function filterOf({ status, agent, mine }: Record<string, unknown>): Filter {
  return {
    ...(typeof status === 'string' && { status }),
    ...(typeof agent === 'string' && { agent }),
    ...(mine === true && { mine }),
  };
}

/** The newest jobs, and all jobs that need a person, however old they are. @throws as `Host.call` */
export async function fetchJobs(host: Host, filter: Filter, wanted: number): Promise<JobList> {
  const limit = Math.min(MOST, Math.max(FIRST, wanted));
  const list = await host.call<JobList>('list_jobs', { ...filter, limit }, REPLY_TIMEOUT_MS);
  if (list.cursor === undefined || filter.status !== undefined) return list;
  const asking = { ...filter, needs_you: true, limit: FIRST };
  const { jobs } = await host.call<JobList>('list_jobs', asking, REPLY_TIMEOUT_MS);
  const known = new Set(list.jobs.map(({ job_id }) => job_id));
  return { ...list, jobs: [...list.jobs, ...jobs.filter(({ job_id }) => !known.has(job_id))] };
}

/** True if a longer list is available. @param most how many jobs the page can get */
export function hasMore({ jobs, cursor }: JobList, most = MOST): boolean {
  return cursor !== undefined && jobs.length < most;
}

/** The jobs as on every board: by how much they need a person, with those that wait below what they wait for. */
export function inOrder(jobs: readonly JobRow[]): Placed[] {
  return arranged(jobs);
}

/** The counts, in words. */
export function headline({ jobs, total }: JobList): string {
  return countText({ ...countJobs(jobs), total });
}
