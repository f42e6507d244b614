import { MamError } from '../../base/errors.ts';
import { maybe } from '../../base/fields.ts';
import { beginsRandomly, isJobId, randomPartOf, slugOf } from '../../base/ids.ts';
import { nearest } from '../../base/nearest.ts';
import { cleanLine } from '../../base/text.ts';
import { jobId } from '../../operations/common.ts';
import { whyNotFound } from '../../registry/away.ts';
import { homePaths, readRegistries } from '../../registry/home.ts';
import { idsIn, knownIn, meantJob } from '../../registry/meant-job.ts';
import { hasJob } from '../../registry/paths.ts';
import type { Settings } from '../../settings/config.ts';
import type { Word } from '../core/command.ts';
import { looksLikeId } from './id-or-text.ts';

/** How commands take a job: the id as the first word, or `--job ID`. */
export const theJob = { job_id: maybe(jobId, '') };
export const jobWord = {
  name: 'ID',
  about: jobId.typed ?? '',
  completes: 'job',
} as const satisfies Word;

/** Where a command looks for jobs. */
export type Place = Pick<Settings, 'registryDir' | 'home'>;

/**
 * The whole id of a job. An id that is not in the registry is returned as it is: the hub may know it from another.
 * @param given as the user wrote it, the whole id or a part of it
 * @throws MamError `bad_input` when none is given, or when several jobs have this part
 */
export function jobIdOf({ registryDir, home }: Place, ...given: (string | undefined)[]): string {
  const [text, ...more] = given.filter((one) => one !== undefined && one !== '');
  if (text === undefined)
    throw new MamError('bad_input', 'No job was given.', 'Give its id; mam list shows ids.');
  if (more.length > 0) throw new MamError('bad_input', 'The job is named twice.', 'Give its id once.');
  // A list cuts an id like this.
  const id = text.replace(/…$/, '');
  if (!isJobId(id))
    throw new MamError(
      'bad_input',
      `"${cleanLine(text, 40)}" is not a job id.`,
      'Job ids have only a-z, 0-9 and -; mam list shows them.',
    );
  return meantJob(registryDir, homePaths(home), id);
}

/** The error for an id that is in no registry, or in one that is not available now. */
export function noSuchJob({ registryDir, home }: Place, jobId: string): MamError {
  const why = whyNotFound(homePaths(home), jobId, [registryDir]);
  if (why !== undefined) return why;
  const near = nearId(registryDir, jobId);
  return new MamError(
    'not_found',
    `There is no job with this id in ${registryDir}: ${cleanLine(jobId, 64)}.`,
    near === undefined ? 'Run `mam list` for the ids.' : `Did you mean ${near}?`,
  );
}

/** The id that was probably meant, by the whole id or by its words. */
function nearId(registryDir: string, typed: string): string | undefined {
  const ids = idsIn(registryDir);
  const bySlug = new Map(ids.map((id) => [slugOf(id), id]));
  return nearest(typed, ids) ?? bySlug.get(nearest(typed, [...bySlug.keys()]) ?? '');
}

/** The beginning of an id that begins with its random part. */
const BEGINNING = /^[a-z]\d[a-z0-9]+$/;

/** The job with this whole id, or this random part or the beginning of it, open or not; undefined if it is not one. */
export function namedJob({ registryDir, home }: Place, word: string): string | undefined {
  const places = [registryDir, ...readRegistries(homePaths(home))];
  if (places.some((dir) => hasJob(dir, word))) return word;
  if (!looksLikeId(word) && !BEGINNING.test(word)) return undefined;
  const isMeant = (id: string): boolean =>
    randomPartOf(id) === word || (beginsRandomly(id) && id.startsWith(word));
  const [only, ...more] = new Set(places.flatMap((dir) => idsIn(dir, isMeant)));
  return more.length === 0 ? only : undefined;
}

/** True for a word that is close to the id of a job. */
export function isNearId({ registryDir }: Place, word: string): boolean {
  return nearId(registryDir, word) !== undefined;
}

/** The ended jobs of the registry whose ids have this part. */
export function endedJobs({ registryDir, home }: Place, part: string): string[] {
  return knownIn(registryDir, homePaths(home), part)
    .filter(({ isOpen }) => !isOpen)
    .map(({ job_id }) => job_id);
}
