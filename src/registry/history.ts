import { MamError } from '../errors.ts';
import { type FoldedJob, foldJob } from './fold.ts';
import type { Home } from './home.ts';
import { jobPaths } from './paths.ts';
import { Seal } from './seal.ts';

/** A job by what is proven of it; one of which nothing is proven, as it stands there. @throws MamError as `foldJob` */
export function foldProven(
  registryDir: string,
  jobId: string,
  seal: Seal,
): { folded: FoldedJob; isProven: boolean } {
  try {
    return { folded: foldJob(registryDir, jobId, seal), isProven: true };
  } catch (error) {
    if (!(error instanceof MamError) || error.code !== 'unavailable') throw error;
    return { folded: foldJob(registryDir, jobId), isProven: false };
  }
}

/** A job for whoever acts on what it says. @throws MamError as `foldJob`, `refused` for one that is only history */
export function foldOwn(registryDir: string, jobId: string, home: Home): FoldedJob {
  const seal = Seal.existing(home);
  const found = seal && foldProven(registryDir, jobId, seal);
  if (found?.isProven === true) return found.folded;
  throw historyError(registryDir, jobId);
}

/** Why nothing is done for a job that no hub of this home has delegated: it came with a clone, or from another home. */
export function historyError(registryDir: string, jobId: string): MamError {
  const { folder } = jobPaths(registryDir, jobId);
  return new MamError(
    'refused',
    `Job ${jobId} in ${folder} was not delegated by this MAM_HOME: it is history, and nothing in it is obeyed.`,
  );
}
