import { statSync } from 'node:fs';
import { MamError, systemCode } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { type Home, type Pointer, readPointers, readRegistries } from './home.ts';
import { knownRegistry, placesOf } from './known-jobs.ts';
import { readOwnRecord } from './own-record.ts';
import { hasJob, jobPaths, whereIs } from './paths.ts';
import { Seal } from './seal.ts';

/** The inode of the registry's folder, as a pointer notes it. */
export function inodeOf({ note }: Pointer): number | undefined {
  const { inode } = (note ?? {}) as { inode?: unknown };
  return typeof inode === 'number' ? inode : undefined;
}

/** True for a live job whose registry can't be accessed now. */
export function isAway(pointer: Pointer): boolean {
  return whereIs(pointer.registryDir, pointer.jobId, inodeOf(pointer)) === 'away';
}

/** The live jobs of a home whose registries are away; empty if no hub has run yet. */
export function awayJobs(home: Home): Pointer[] {
  return livePointers(home).filter(isAway);
}

function livePointers(home: Home): Pointer[] {
  return orElse(() => readPointers(home), []);
}

const BRING_BACK =
  'Mount its disk, or put the folder back. The job then continues, and reports made meanwhile are recorded.';

/** The error for a job whose registry is away, perhaps temporarily: reports are kept. @param isOpen the job has not ended */
export function awayError(pointer: Pointer, isOpen = true): MamError {
  const { jobId, registryDir } = pointer;
  if (registryDir === '') {
    const what = `The registry of job ${jobId} is unknown: its file in MAM_HOME/live is damaged, and no known registry has the job.`;
    const step = `Run \`mam status ${jobId}\` in its project. If it is gone: \`mam cancel ${jobId}\`.`;
    return new MamError('io', what, step);
  }
  const why = whyAway(registryDir, inodeOf(pointer)) ?? NOT_THERE;
  const what = `The registry ${registryDir} of job ${jobId} is unavailable: ${why}.`;
  const end = isOpen ? `${BRING_BACK} If it is gone for good: \`mam cancel ${jobId}\`.` : BRING_BACK;
  return shutError(pointer) ?? new MamError('io', what, end);
}

/** The same if only the job's own folder can't be accessed; nothing if its registry is away. */
export function shutError(pointer: Pointer): MamError | undefined {
  const { jobId, registryDir } = pointer;
  const { folder, journal } = jobPaths(registryDir, jobId);
  const code = whyAway(registryDir, inodeOf(pointer)) === undefined ? codeOf(journal) : undefined;
  if (code === undefined) return undefined;
  return new MamError(
    'io',
    `The folder ${folder} of job ${jobId} cannot be accessed (${code}).`,
    'Fix its permissions, or its disk. The job then continues, and reports made meanwhile are recorded.',
  );
}

const NOT_THERE = 'it is missing';

/** Why a registry can't be accessed, as the end of a sentence; nothing if it can. */
function whyAway(registryDir: string, inode?: number): string | undefined {
  const code = codeOf(registryDir) ?? codeOf(`${registryDir}/any`);
  if (code !== undefined) return `it cannot be accessed (${code})`;
  const stat = statSync(registryDir, { throwIfNoEntry: false });
  if (stat === undefined) return NOT_THERE;
  if (!stat.isDirectory()) return `${NOT_THERE}, and a file is in its place`;
  return inode === undefined || stat.ino === inode
    ? undefined
    : `${NOT_THERE}, and another folder is in its place`;
}

/** The code of the error when a path can't be examined; nothing for one that is only missing. */
function codeOf(path: string): string | undefined {
  try {
    statSync(path, { throwIfNoEntry: false });
    return undefined;
  } catch (error) {
    return systemCode(error) ?? 'unknown error';
  }
}

/** The error for a job of which only the record is left. */
export function journalGoneError(registryDir: string, jobId: string): MamError {
  const { journal, folder } = jobPaths(registryDir, jobId);
  return new MamError(
    'unavailable',
    `The journal of job ${jobId} is gone: ${journal}. Its job.json proves that the job existed.`,
    `Put the file back, or restore it from a backup. The job then continues, and reports made meanwhile are recorded. To give up the job, move the folder ${folder} away.`,
  );
}

/** True if a job's journal is gone and its record proves that a hub of this home wrote one. */
export function isJournalGone(registryDir: string, jobId: string, seal: Seal | undefined): boolean {
  if (seal === undefined || hasJob(registryDir, jobId) || whereIs(registryDir, jobId) !== 'cut') return false;
  return readOwnRecord(jobPaths(registryDir, jobId), jobId, seal) !== undefined;
}

/**
 * Why a job is not found although it is, or may be, in a registry that this home has written.
 * @param places registries besides those that the home has noted
 * @returns nothing if there is no such job
 */
export function whyNotFound(home: Home, jobId: string, places: readonly string[] = []): MamError | undefined {
  const live = livePointers(home);
  const cut = live.find(
    (one) => one.jobId === jobId && whereIs(one.registryDir, jobId, inodeOf(one)) === 'cut',
  );
  if (cut !== undefined) return journalGoneError(cut.registryDir, jobId);
  const seal = Seal.existing(home);
  const noted = placesOf(home, jobId);
  const all = new Set([...places, ...readRegistries(home), ...noted.map(({ registryDir }) => registryDir)]);
  for (const dir of all) if (isJournalGone(dir, jobId, seal)) return journalGoneError(dir, jobId);
  const open = live.find((one) => one.jobId === jobId && isAway(one));
  const ended = noted.find(isAway);
  if (open !== undefined && open.registryDir !== '') return awayError(open);
  if (ended !== undefined) return awayError(ended, false);
  if (open !== undefined) return awayError(open);
  // It may be in a registry that is away and whose jobs were never noted.
  const missing = readRegistries(home).filter((dir) => inodeOfFolder(dir) === undefined);
  const unsure = [...live.filter(isAway).map(({ registryDir }) => registryDir), ...missing].find(
    (dir) => knownRegistry(home, dir) === undefined,
  );
  if (unsure === undefined) return undefined;
  const what = `The registry ${unsure} is unavailable: ${whyAway(unsure) ?? NOT_THERE}, and no other registry has job ${jobId}.`;
  return new MamError('io', what, BRING_BACK);
}

/** The error for listing a registry that is away and had jobs. @param isEmpty the folder in its place has no job */
export function awayListError(home: Home, registryDir: string, isEmpty: boolean): MamError | undefined {
  const inodes = new Set(knownRegistry(home, registryDir)?.jobs.values());
  const inode = inodeOfFolder(registryDir);
  if (inodes.size === 0 || (inode !== undefined && (!isEmpty || inodes.has(inode)))) return undefined;
  const [first] = inodes;
  return new MamError(
    'io',
    `The registry ${registryDir} is unavailable: ${whyAway(registryDir, first) ?? NOT_THERE}. It had jobs.`,
    `Mount its disk, or put the folder back. If it is gone for good, create it again: mkdir -p ${shellWord(registryDir)}; the next job goes there.`,
  );
}

function inodeOfFolder(path: string): number | undefined {
  const stat = orElse(() => statSync(path), undefined);
  return stat?.isDirectory() === true ? stat.ino : undefined;
}
