import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { isSettled } from '../../job/apply.ts';
import { isLost } from '../../job/home-state.ts';
import { namedResults } from '../../job/result-marks.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** How many jobs one may wait for. */
const MOST = 20;
const ID_CHARS = 80;

/** What a delegation says of other jobs, with their whole ids. */
export interface Chain {
  after: string[];
  /** The whole ids of the jobs whose results the prompt names, by what is written there. */
  results: Record<string, string>;
}

/**
 * The jobs that a new one waits for, and those whose results its prompt names.
 * @returns undefined when there are none
 * @throws MamError `not_found` for a job that is not there, `bad_input` for a result that nothing waits for
 */
export async function chainOf(
  registrar: Registrar,
  { after: given = [], after_any_end: anyEnd, registry_dir: dir }: DelegateParams,
  prompt: string,
): Promise<Chain | undefined> {
  const named = namedResults(prompt);
  if (given.length > MOST)
    throw new MamError(
      'bad_input',
      `A job can wait for ${MOST} others at most, and \`after\` names ${given.length}.`,
      'Have a job in between wait for some of them.',
    );
  if (given.length + named.length === 0) {
    if (anyEnd !== true) return undefined;
    const what = 'after_any_end (`--after-any-end`) has no effect without `after`.';
    throw new MamError('bad_input', what, 'Give after (`--after`) too, or leave it out.');
  }
  const after: string[] = [];
  for (const id of given) {
    const job = await jobOf(registrar, id, dir);
    if (isNobodys(job)) throw nobodys(job);
    if (!after.includes(job.id)) after.push(job.id);
  }
  const results: Record<string, string> = {};
  for (const id of named) {
    const job = await jobOf(registrar, id, dir);
    const isThere = isSettled(job.record) || isLost(job.record);
    if (!after.includes(job.id) && !isThere)
      throw new MamError(
        'bad_input',
        `The prompt names the result of job ${job.id}, which has not ended, and the job does not wait for it.`,
        `Add ${job.id} to after (\`--after\`).`,
      );
    results[id] = job.id;
  }
  return { after, results };
}

async function jobOf(registrar: Registrar, given: string, dir: string): Promise<LiveJob> {
  const id = await registrar.meant(given, dir);
  try {
    return await registrar.find(id, dir);
  } catch (error) {
    if (!(error instanceof MamError) || !['not_found', 'bad_input'].includes(error.code)) throw error;
    throw new MamError(
      'not_found',
      `There is no job ${cleanLine(given, ID_CHARS)} to wait for.`,
      'Give the id of a job as delegate_job (`mam submit`) has answered it; list_jobs (`mam list`) shows them.',
    );
  }
}

/** True for an open job that came with a clone: no hub works on it. */
function isNobodys({ isHistory, record }: LiveJob): boolean {
  return isHistory && !isSettled(record);
}

function nobodys({ id }: LiveJob): MamError {
  return new MamError(
    'bad_input',
    `Job ${id} was not delegated by this mam, so it will never end here.`,
    'Wait for another job, or leave it out.',
  );
}
