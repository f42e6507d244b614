import { MamError } from '../errors.ts';
import { isFinal, type Status } from './words.ts';

/** The reason of an open job that no hub of this home has delegated: it came with a clone, or from another home. */
const HISTORY = 'history';

interface Standing {
  status: string;
  reason?: string | undefined;
}

/** How such a job is shown. */
export function historyOf<T extends Standing>(job: T): T {
  return isFinal(job.status as Status) ? job : { ...job, reason: HISTORY };
}

export function isHistory({ reason }: Standing): boolean {
  return reason === HISTORY;
}

/** Why nothing is done for it, and nobody waits for it. */
export function historyError(registryDir: string, jobId: string): MamError {
  return new MamError(
    'refused',
    `Job ${jobId} in ${registryDir}/${jobId} was not delegated by this MAM_HOME: it is history, and nothing in it is obeyed.`,
  );
}
