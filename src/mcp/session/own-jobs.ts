import { MamError } from '../../base/errors.ts';
import { isOwner, type Owner } from '../../job/owner.ts';
import type { JobRecord } from '../../job/record.ts';
import type { Link } from '../../link/link.ts';
import { listedIds } from '../../link/listed-ids.ts';

/**
 * The jobs that a wait without ids is for: the session's own open ones, those of an earlier one in its pane, and those of its cursor that have come to their
 * end since. Else the end of a job between two waits would be told by neither.
 * @param places by job id the seq up to which the cursor has told its events
 * @throws MamError when the hub can't be reached
 */
export async function ownJobs(
  link: Link,
  registryDir: string,
  owner: Owner,
  places: ReadonlyMap<string, number>,
): Promise<string[]> {
  const { session, place } = owner;
  const filter = { registry_dir: registryDir, session, place, open_only: true };
  const open = await listedIds((page) => link.request('list', page), filter);
  const known = new Set(open);
  const others = [...places].filter(([id]) => !known.has(id));
  const records = await Promise.all(others.map(([id]) => recordOf(link, registryDir, id)));
  const ended = records.flatMap((record, at) => {
    const told = others[at]?.[1] ?? 0;
    return record !== undefined && isOwner(record.supervisor, owner) && record.wake_seq > told
      ? [record.job_id]
      : [];
  });
  return [...open, ...ended];
}

/** @returns nothing for a job that is there no more (it was pruned) */
async function recordOf(link: Link, registryDir: string, jobId: string): Promise<JobRecord | undefined> {
  try {
    const { record } = await link.request('status', { job_id: jobId, registry_dir: registryDir });
    return record;
  } catch (error) {
    if (error instanceof MamError && error.code === 'not_found') return undefined;
    throw error;
  }
}
