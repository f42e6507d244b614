import { readdirSync } from 'node:fs';
import { namesIn } from '../base/folders.ts';
import { beginsRandomly, randomPartOf } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { jobsMeant, type Known, severalMeant } from '../job/meant-jobs.ts';
import { isFinal, type Status } from '../job/words.ts';
import { type Home, readRegistries } from './home.ts';
import { hasJob, jobPaths } from './paths.ts';
import { writtenState } from './record-file.ts';

/** A shorter beginning of an id is too easily a slip. */
const LEAST_CHARS = 3;

/**
 * The whole id of the job that a part of an id means, read from the files: any job of this registry, or one of another
 * registry of this home by its random part. A beginning of that counts if no job of this registry has it anywhere.
 * @returns the text itself if no job is found: the hub may know it
 * @throws MamError `bad_input` when several jobs are meant
 */
export function meantJob(registryDir: string, home: Home, given: string): string {
  if (hasJob(registryDir, given)) return given;
  const here = knownIn(registryDir, home, given);
  const there = elsewhere(registryDir, home, given);
  const exact = there.filter(({ job_id }) => randomPartOf(job_id) === given);
  const found = jobsMeant(given, [...here, ...exact]);
  return only(
    registryDir,
    given,
    (found.length > 0 ? found : jobsMeant(given, there)).map(({ job_id }) => job_id),
  );
}

/** The jobs of a registry whose ids have this part, and whether they are open. */
export function knownIn(registryDir: string, home: Home, part: string): Known[] {
  const names = idsIn(registryDir, (id) => id.includes(part));
  // Only these can be open, and their records are few.
  const live = new Set(names.length === 0 ? [] : namesIn(home.live));
  return names.map((job_id) => ({
    job_id,
    isOpen: live.has(job_id) && !isFinal(statusOf(registryDir, job_id) as Status),
  }));
}

/** The ids of a registry's jobs. */
export function idsIn(registryDir: string, wanted: (id: string) => boolean = () => true): string[] {
  return orElse(
    () => readdirSync(registryDir).filter((name) => wanted(name) && hasJob(registryDir, name)),
    [],
  );
}

/** The jobs of other registries whose id has this random part, or begins with the beginning of it. */
function elsewhere(registryDir: string, home: Home, given: string): Known[] {
  const others = readRegistries(home).filter((dir) => dir !== registryDir);
  const isMeant = (id: string): boolean =>
    randomPartOf(id) === given || (given.length >= LEAST_CHARS && beginsRandomly(id) && id.startsWith(given));
  const ids = new Set(others.flatMap((dir) => idsIn(dir, isMeant)));
  const live = new Set(ids.size === 0 ? [] : namesIn(home.live));
  return [...ids].map((job_id) => ({ job_id, isOpen: live.has(job_id) }));
}

function statusOf(registryDir: string, jobId: string): string | undefined {
  return orElse(() => writtenState(jobPaths(registryDir, jobId).record)?.status, undefined);
}

/**
 * The same for a report, which must never be credited to another job: besides the whole id, only its beginning or its
 * random part, and only if no other job of the registry has that, open or ended.
 * @throws MamError `bad_input` when several jobs have it
 */
export function reportedJobIn(registryDir: string, given: string): string {
  if (hasJob(registryDir, given) || given.length < LEAST_CHARS) return given;
  const found = idsIn(registryDir, (id) => id.startsWith(given) || randomPartOf(id) === given);
  return only(registryDir, given, found);
}

function only(registryDir: string, given: string, ids: readonly string[]): string {
  if (ids.length < 2) return ids[0] ?? given;
  throw severalMeant(
    given,
    ids.map((job_id) => ({ job_id, status: statusOf(registryDir, job_id) ?? 'in another project' })),
  );
}
