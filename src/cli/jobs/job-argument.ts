import { readdirSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { maybe } from '../../base/fields.ts';
import { isJobId } from '../../base/ids.ts';
import { nearest } from '../../base/nearest.ts';
import { orElse } from '../../base/or-else.ts';
import { jobId } from '../../operations/common.ts';
import { whyNotFound } from '../../registry/away.ts';
import { homePaths } from '../../registry/home.ts';
import { hasJob } from '../../registry/paths.ts';
import type { Settings } from '../../settings/config.ts';
import type { Word } from '../core/command.ts';

/** How commands take a job: `--job ID`, or the id as the first word. */
export const theJob = { job_id: maybe(jobId, '') };
export const jobWord = {
  name: 'ID',
  about: 'the same as --job ID',
  completes: 'job',
} as const satisfies Word;

const SHOWN = 5;

/**
 * The whole id of a job. An id that is not in the registry is returned as it is: the hub may know it from another.
 * @param given as the user wrote it, the whole id or a prefix
 * @throws MamError `bad_input` when none is given, or when several jobs begin with it
 */
export function jobIdOf(registryDir: string, ...given: (string | undefined)[]): string {
  const [text, ...more] = given.filter((one) => one !== undefined && one !== '');
  if (text === undefined)
    throw new MamError('bad_input', 'No job was given.', 'Give --job ID; mam list shows ids.');
  if (more.length > 0) throw new MamError('bad_input', 'The job is named twice.', 'Give its id once.');
  if (!isJobId(text))
    throw new MamError(
      'bad_input',
      'This is not a job id.',
      'Job ids have only a-z, 0-9 and -; mam list shows them.',
    );
  if (hasJob(registryDir, text)) return text;
  const matches = idsIn(registryDir, (id) => id.startsWith(text));
  if (matches.length < 2) return matches[0] ?? text;
  const shown = matches.slice(0, SHOWN).join(', ');
  throw new MamError(
    'bad_input',
    `${matches.length} job ids begin with ${text}: ${shown}${matches.length > SHOWN ? ', …' : ''}.`,
    'Give a longer prefix.',
  );
}

/** True for a word that can only be meant as an id. */
export function looksLikeId(word: string): boolean {
  return word.includes('-') && isJobId(word);
}

/** The error for an id that is in no registry, or in one that is not available now. */
export function noSuchJob({ registryDir, home }: Settings, jobId: string): MamError {
  const why = whyNotFound(homePaths(home), jobId, [registryDir]);
  if (why !== undefined) return why;
  const near = nearest(jobId, idsIn(registryDir));
  return new MamError(
    'not_found',
    `There is no job with this id in ${registryDir}.`,
    near === undefined ? 'Run `mam list` for the ids.' : `Did you mean ${near}?`,
  );
}

function idsIn(registryDir: string, wanted: (id: string) => boolean = () => true): string[] {
  return orElse(
    () => readdirSync(registryDir).filter((name) => wanted(name) && hasJob(registryDir, name)),
    [],
  );
}
