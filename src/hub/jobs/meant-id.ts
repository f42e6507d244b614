import { existsSync } from 'node:fs';
import { isJobId, randomPartOf } from '../../base/ids.ts';
import { jobsMeant, type Known, reportedJob, severalMeant } from '../../job/meant-jobs.ts';
import { isFinal, type Status } from '../../job/words.ts';
import type { Store } from './store.ts';

interface Candidate extends Known {
  status: string | undefined;
}

/**
 * The whole id of the job that a request means by a part of an id: any job of its registry, or one that this hub holds for
 * another registry by its whole random part.
 * @param has whether this is a whole id
 * @returns the text itself if no job is found
 * @throws MamError `bad_input` when several jobs are meant
 */
export async function meantId(
  store: Store,
  given: string,
  registryDir: string | undefined,
  has: (jobId: string) => boolean,
): Promise<string> {
  if (!isJobId(given) || has(given)) return given;
  const here = await candidates(store, registryDir);
  const elsewhere = held(store).filter(({ job_id }) => randomPartOf(job_id) === given && !here.has(job_id));
  const found = jobsMeant(given, [...here.values(), ...elsewhere]);
  if (found.length > 1) throw severalMeant(given, found);
  return found[0]?.job_id ?? given;
}

/**
 * The same for a report. Only the whole random part is enough, and only for a job that this hub holds: open ones, and those
 * that ended last.
 */
export function reportedId(store: Store, given: string, has: (jobId: string) => boolean): string {
  return isJobId(given) && !has(given) ? (reportedJob(given, held(store))?.job_id ?? given) : given;
}

/** The jobs of a registry; without one, all that this hub holds. */
async function candidates(store: Store, registryDir: string | undefined): Promise<Map<string, Candidate>> {
  const known = new Map<string, Candidate>();
  if (registryDir !== undefined && existsSync(registryDir)) {
    // A registry that can't be read is reported for the job itself.
    const index = await store.registries.index(registryDir).catch(() => undefined);
    for (const { job_id, status } of index?.inOrder() ?? [])
      known.set(job_id, { job_id, status, isOpen: false });
  }
  // Every open job of this home is in memory, or waits for its registry.
  for (const one of held(store, registryDir)) known.set(one.job_id, one);
  return known;
}

function held({ jobs, away }: Store, registryDir?: string): Candidate[] {
  const isHere = (dir: string): boolean => registryDir === undefined || dir === registryDir;
  const inMemory = [...jobs.values()].filter((job) => isHere(job.registryDir));
  const waiting = [...away.values()].filter(({ pointer }) => isHere(pointer.registryDir));
  return [
    ...waiting.map(({ pointer }) => ({ job_id: pointer.jobId, status: undefined, isOpen: true })),
    ...inMemory.map(({ id, record }) => ({
      job_id: id,
      status: record.status,
      isOpen: !isFinal(record.status as Status),
    })),
  ];
}
