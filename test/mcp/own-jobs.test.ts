import { expect, test } from 'vitest';
import type { Link } from '../../src/link/link.ts';
import { ownJobs } from '../../src/mcp/session/own-jobs.ts';
import type { ListParams } from '../../src/operations/list.ts';

/** A hub whose session has this many open jobs; it returns 200 of them at once, like the real one. */
function hubWith(jobs: number): Link {
  const rows = Array.from({ length: jobs }, (_, i) => ({ job_id: `tile-${i}` }));
  const request = async (_: string, { limit, cursor = '0' }: ListParams) => {
    const end = Number(cursor) + Math.min(limit, 200);
    return { jobs: rows.slice(Number(cursor), end), ...(end < jobs && { cursor: String(end) }) };
  };
  return { request } as unknown as Link;
}

test('a wait without ids is for all open jobs of its session, however many pages they fill', async () => {
  for (const jobs of [0, 200, 450])
    expect(await ownJobs(hubWith(jobs), '/r', { session: 's' }, new Map())).toHaveLength(jobs);
});
