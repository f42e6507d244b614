import { MamError } from '../../base/errors.ts';
import type { Delegator } from '../../order/compose-job.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { plainError } from './plain-error.ts';

/**
 * The job that another host has delegated before with this id.
 * @param registryDir where to look first
 * @throws MamError `conflict` if another job has the id, `io` if the registry that may have it is away
 */
export async function knownJob(
  registrar: Registrar,
  registryDir: string,
  delegator: Delegator,
): Promise<LiveJob | undefined> {
  try {
    const job = await registrar.find(delegator.job_id, registryDir);
    checkSame(job, delegator);
    return job;
  } catch (error) {
    if (error instanceof MamError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** @throws MamError `conflict` for a job that this host has not delegated */
export function checkSame(job: LiveJob, { host }: Delegator): void {
  if (job.isHistory || job.record.supervisor.host !== host) throw takenId();
}

/** The error for an id that another job has. */
export function takenId(): MamError {
  return plainError('conflict', 'There is another job with this id.', 'Delegate it again, with a new id.');
}
