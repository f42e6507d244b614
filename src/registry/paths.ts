import { statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MamError, systemCode } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { isJobId } from '../job/id.ts';

/** The files of one job. */
export interface JobPaths {
  folder: string;
  journal: string;
  record: string;
  prompt: string;
  texts: string;
}

/** Paths of a job's files. @throws MamError `bad_input` for an id that can't be a folder's name */
export function jobPaths(registryDir: string, jobId: string): JobPaths {
  if (!isJobId(jobId))
    throw new MamError('bad_input', 'This is not a job id.', 'Job ids have only a-z, 0-9 and -.');
  const folder = join(registryDir, jobId);
  return {
    folder,
    journal: join(folder, 'events.jsonl'),
    record: join(folder, 'job.json'),
    prompt: join(folder, 'prompt.md'),
    texts: join(folder, 'texts'),
  };
}

/** True when the registry has a folder with a journal for this job. */
export function hasJob(registryDir: string, jobId: string): boolean {
  if (!isJobId(jobId)) return false;
  try {
    return statSync(jobPaths(registryDir, jobId).journal).isFile();
  } catch {
    // Nothing there, or a foreign file where a job's folder would be.
    return false;
  }
}

/** What the hub that writes a registry has locked, in that registry. */
export function lockPath(registryDir: string): string {
  return `${registryDir}/.hub`;
}

/**
 * True when a job's folder was taken out of a registry that this hub has locked. One without its lock (a disk that is
 * away may leave an empty folder), or that can't be read now, proves nothing.
 */
export function isRemoved(registryDir: string, jobId: string): boolean {
  const isGone = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) === undefined;
  try {
    return isGone(jobPaths(registryDir, jobId).folder) && !isGone(`${lockPath(registryDir)}.lock`);
  } catch {
    return false;
  }
}

/**
 * Makes the registry folder, and a `.gitignore` beside it when it is a project's own.
 * @throws MamError `io` when it can't be written
 */
export function ensureRegistry(registryDir: string): void {
  try {
    makeFolder(registryDir);
    if (basename(dirname(registryDir)) !== '.mam') return;
    try {
      writeFileSync(join(dirname(registryDir), '.gitignore'), '*\n', { flag: 'wx' });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  } catch (error) {
    throw registryError(registryDir, error);
  }
}

/** The sentence for a registry that can't be written. */
export function registryError(registryDir: string, error: unknown): MamError {
  return new MamError(
    'io',
    `The registry ${registryDir} cannot be written (${systemCode(error) ?? 'unknown error'}).`,
    'Mend its permissions or free some space, or set MAM_REGISTRY_DIR to a folder that can be written.',
    { cause: error },
  );
}
