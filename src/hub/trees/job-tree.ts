import { MamError } from '../../base/errors.ts';
import { placeOf } from '../../git/place.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import { isSettled } from '../../job/apply.ts';
import type { JobRecord, Worktree } from '../../job/record.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';

/** The worktree of a job. @throws MamError `refused` for a job that has none */
export function treeOf({ job_id, worktree, workdir }: JobRecord): Worktree {
  if (worktree !== undefined) return worktree;
  throw new MamError(
    'refused',
    `Job ${job_id} has no worktree: it works in ${workdir} itself, so there is nothing to merge or to discard.`,
    `\`mam diff ${job_id}\` shows what it has changed. \`mam submit --worktree\` gives a job its own.`,
  );
}

/** @throws MamError `conflict` for a job that has not ended, or whose check runs */
export function checkEnded(record: JobRecord, what: string): void {
  if (isSettled(record)) return;
  throw new MamError(
    'conflict',
    `Job ${record.job_id} has not ended (${record.status}), so ${what}.`,
    `\`mam wait ${record.job_id}\` waits for its end; \`mam cancel ${record.job_id}\` ends it now.`,
  );
}

/** The top of the worktree that a folder is in; undefined if it is in none, or not there. @throws MamError as `placeOf` */
export async function worktreeTop(folder: string): Promise<string | undefined> {
  return (await placeOf(folder, gitEnvironment()))?.top;
}

/** What git runs with. @param env of the caller: where the programs of its hooks are */
export function gitEnvironment(env: Readonly<Record<string, string>> = {}): GitEnvironment {
  return { env: { ...scrubbedEnvironment(), ...env } };
}
