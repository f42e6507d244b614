import type { ListParams, ListResult } from '../operations/list.ts';

/** Rows per page of the hub's list: the maximum that it returns. */
const PAGE = 200;

/** The ids of all jobs of a list, page by page. @param ask requests one page @throws as `ask` does */
export async function listedIds(
  ask: (params: ListParams) => Promise<ListResult>,
  filter: Omit<ListParams, 'limit' | 'cursor'>,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask({ ...filter, limit: PAGE, cursor });
    ids.push(...page.jobs.map((job) => job.job_id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  // A job that changed between two pages may be in both.
  return [...new Set(ids)];
}
