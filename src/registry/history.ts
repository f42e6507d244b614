import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { historyError, historyOf } from '../job/history.ts';
import { type FoldedJob, foldJob } from './fold.ts';
import type { Home } from './home.ts';
import { readOwnRecord } from './own-record.ts';
import { jobPaths } from './paths.ts';
import { Seal } from './seal.ts';
import { withResult } from './texts.ts';

/** A job as far as the seal proves it; if it proves nothing, as found. @throws MamError as `foldJob` */
export function foldProven(
  registryDir: string,
  jobId: string,
  seal: Seal | undefined,
): { folded: FoldedJob; isProven: boolean } {
  try {
    return { folded: foldJob(registryDir, jobId, seal), isProven: seal !== undefined };
  } catch (error) {
    if (seal === undefined || !(error instanceof MamError) || error.code !== 'unavailable') throw error;
    return { folded: withoutHome(foldJob(registryDir, jobId)), isProven: false };
  }
}

/** A job whose home is not proven: nobody is asked about it. */
function withoutHome(folded: FoldedJob): FoldedJob {
  const { home: _, ...record } = folded.record;
  return { ...folded, record, replica: undefined };
}

/** A job for callers that act on it. @throws MamError as `foldJob`, `refused` for one that is only history */
export function foldOwn(registryDir: string, jobId: string, home: Home): FoldedJob {
  const seal = Seal.existing(home);
  const found = seal && foldProven(registryDir, jobId, seal);
  if (found?.isProven === true) return found.folded;
  throw historyError(registryDir, jobId);
}

/** A job for callers that only show it. @throws MamError as `foldJob` */
export function foldShown(registryDir: string, jobId: string, home: Home): FoldedJob {
  const { folded, isProven } = foldProven(registryDir, jobId, Seal.existing(home));
  const shown = { ...folded, record: withResult(folded.record) };
  return isProven ? shown : asHistory(shown, historyError(registryDir, jobId));
}

/** True for a job that a hub of this home has delegated. */
export function isOwnJob(registryDir: string, jobId: string, home: Home): boolean {
  const seal = Seal.existing(home);
  const paths = jobPaths(registryDir, jobId);
  if (seal !== undefined && readOwnRecord(paths, jobId, seal) !== undefined) return true;
  // Its `job.json` is written after its journal.
  return orElse(() => foldOwn(registryDir, jobId, home) !== undefined, false);
}

/** A job that is not obeyed, as it is shown to people. */
export function asHistory(folded: FoldedJob, why: MamError): FoldedJob {
  const damage = [...folded.damage, why.message];
  const { record, ...shown } = withoutHome(folded);
  return { ...shown, record: historyOf(record), damage };
}

/** The error for acting on the copy of a job, as in a copied project. @param original the registry of the job itself */
export function copyError(registryDir: string, jobId: string, original: string): MamError {
  return new MamError(
    'refused',
    `Job ${jobId} in ${registryDir} is a copy: the job itself is in ${original}.`,
    `Act on it there, or pass --registry-dir ${shellWord(original)}.`,
  );
}

/** The error for what only the home of a job can do. @param host where that is */
export function replicaError(jobId: string, host: string): MamError {
  return new MamError(
    'refused',
    `Job ${jobId} runs on ${host}: only the hub there acts on it.`,
    `Run the command on ${host}.`,
  );
}

/** The error for a live job of this home that can no longer be proven: its key was removed or replaced. */
export function proofError(jobId: string, key: string): MamError {
  return new MamError(
    'refused',
    `The key that proves live job ${jobId} is lost: the job is now history, and nothing in it is obeyed.`,
    `Put ${key} back from a backup and run \`mam hub restart\`: the job then continues. Otherwise \`mam cancel ${jobId}\`, and delegate it again.`,
  );
}
