import { MamError } from '../../base/errors.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { historyError } from '../../job/history.ts';
import { whyNotFound } from '../../registry/away.ts';
import { copyError, proofError } from '../../registry/history.ts';
import { readRegistries, retainedPlace } from '../../registry/home.ts';
import { placesOf } from '../../registry/known-jobs.ts';
import { hasJob } from '../../registry/paths.ts';
import type { LiveJob } from './live-job.ts';
import type { Loader } from './loader.ts';
import type { Removal } from './removal.ts';
import type { Store } from './store.ts';

/** How many open jobs an error names. */
const NAMED_JOBS = 5;

interface Parts {
  store: Store;
  loader: Loader;
  removal: Removal;
}

/**
 * A job by its id, from memory or from a registry.
 * @param registryDir where to look first
 * @throws MamError `not_found` when no known registry has it, `io` when one that may have it is not there now
 */
export async function findJob(parts: Parts, jobId: string, registryDir?: string): Promise<LiveJob> {
  const { home, jobs, registries, away: waiting } = parts.store;
  const held = jobs.get(jobId);
  if (held !== undefined && !parts.removal.dropRemoved(held)) return held;
  const away = waiting.get(jobId);
  if (away !== undefined) {
    if (!hasJob(away.registryDir, jobId)) throw unknownError(parts.store, jobId, away.registryDir);
    // Its limits are taken up within a second.
    return parts.loader.load(away.registryDir, jobId, away);
  }
  const noted = [...placesOf(home, jobId).map((one) => one.registryDir), retainedPlace(home, jobId)];
  let history: LiveJob | undefined;
  for (const place of new Set([registryDir, ...registries.dirs, ...readRegistries(home), ...noted])) {
    if (place === undefined || !hasJob(place, jobId)) continue;
    const job = await parts.loader.load(place, jobId);
    if (!job.isHistory) return job;
    // One of the same id that came with a clone must not hide it.
    history ??= job;
  }
  if (history === undefined) throw unknownError(parts.store, jobId, registryDir);
  return history;
}

/** The same for whoever acts on a job. @throws MamError as `findJob`, and `refused` for one that is only history */
export async function findOwnJob(parts: Parts, jobId: string, registryDir?: string): Promise<LiveJob> {
  const { home, unproven } = parts.store;
  const job = await findJob(parts, jobId, registryDir);
  if (job.isHistory && unproven.has(jobId)) throw proofError(jobId, home.key);
  if (job.copyOf !== undefined) throw copyError(job.registryDir, job.id, job.copyOf);
  if (job.isHistory) throw historyError(job.registryDir, job.id);
  // Of a copied project: what is meant there must not happen to the job that it is a copy of.
  if (registryDir !== undefined && hasJob(registryDir, jobId) && !isSamePlace(registryDir, job.registryDir))
    throw copyError(registryDir, jobId, job.registryDir);
  return job;
}

function unknownError({ home, jobs, registries }: Store, jobId: string, registryDir?: string): MamError {
  const why = whyNotFound(home, jobId, [
    ...registries.dirs,
    ...(registryDir === undefined ? [] : [registryDir]),
  ]);
  if (why !== undefined) return why;
  const open = registryDir === undefined ? jobs.open : jobs.openIn(registryDir);
  const named = open.slice(0, NAMED_JOBS).map(({ id }) => id);
  const where = registryDir === undefined ? '' : ` in ${registryDir}`;
  const known = named.length === 0 ? `No job is open${where}.` : `Open jobs${where}: ${named.join(', ')}.`;
  return new MamError(
    'not_found',
    'There is no job with this id.',
    `${known} Call list_jobs (\`mam list\`) for all ids.`,
  );
}
