import { MamError } from '../../base/errors.ts';
import { isOwner, type Owner } from '../../job/owner.ts';
import type { JobRecord } from '../../job/record.ts';
import type { Link } from '../../link/link.ts';
import { listedIds } from '../../link/listed-ids.ts';
import { isNews, type Place } from '../../link/waiter.ts';

/**
 * The jobs of a wait without ids: the open ones of the session and of earlier sessions in its pane, and those of its
 * cursor that have ended since. Otherwise neither of two waits would report a job that ends between them.
 * @param places by job id, up to where the cursor has reported
 * @throws MamError if the hub can't be reached
 */
export async function ownJobs(
  link: Link,
  registryDir: string,
  owner: Owner,
  places: ReadonlyMap<string, Place>,
): Promise<string[]> {
  const { session, place } = owner;
  const filter = { registry_dir: registryDir, session, place, open_only: true };
  const open = await listedIds((page) => link.request('list', page), filter);
  const known = new Set(open);
  const others = [...places.keys()].filter((id) => !known.has(id));
  const records = await Promise.all(others.map((id) => recordOf(link, registryDir, id)));
  const ended = records
    .filter((record) => record !== undefined)
    .filter((record) => isNews(record, places.get(record.job_id) ?? { seq: 0, episode: 0 }))
    .filter(({ supervisor }) => isOwner(supervisor, owner));
  return [...open, ...ended.map(({ job_id }) => job_id)];
}

/** @returns nothing for a job that was pruned */
async function recordOf(link: Link, registryDir: string, jobId: string): Promise<JobRecord | undefined> {
  try {
    const { record } = await link.request('status', { job_id: jobId, registry_dir: registryDir });
    return record;
  } catch (error) {
    if (error instanceof MamError && error.code === 'not_found') return undefined;
    throw error;
  }
}
