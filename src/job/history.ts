import { MamError } from '../base/errors.ts';

/** The reason of a job that was not delegated by this home: it came with a clone, or from another home. */
const HISTORY = 'history';

interface Standing {
  reason?: string | undefined;
  blocked_step?: string | undefined;
  behind?: unknown;
}

/** How such a job is shown: it needs no one, and its own commands are not suggested. */
export function historyOf<T extends Standing>(job: T): T {
  return { ...job, reason: HISTORY, needs_you: undefined, blocked_step: undefined, behind: undefined };
}

export function isHistory({ reason }: Standing): boolean {
  return reason === HISTORY;
}

/** The error for anything but a look at such a job. */
export function historyError(registryDir: string, jobId: string): MamError {
  return new MamError(
    'refused',
    `Job ${jobId} in ${registryDir}/${jobId} was not delegated by this MAM_HOME: it is history, and nothing in it is obeyed.`,
  );
}
