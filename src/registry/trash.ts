import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { removeIfEmpty } from '../base/folders.ts';
import { isJobId, randomSuffix } from '../base/ids.ts';
import { isOwnFolder } from '../trust/owner.ts';
import { JOB_NEIGHBOUR } from './files.ts';
import { jobPaths } from './paths.ts';

/** Not a job id, so nothing mistakes it for a job's folder. */
const TRASH = '.trash';
/** How `moveToTrash` names a folder in it. */
const THROWN = /^(.+)\.[a-z0-9]{8}$/;
const OURS = new Set([
  ...[
    'job.json',
    'replica.json',
    'events.jsonl',
    'prompt.md',
    'texts',
    'screen.txt',
    'validate.log',
    'setup.log',
  ],
]);
const HASH = /^[0-9a-f]{64}(\.[0-9a-f]{8}\.tmp)?$/;

interface Contents {
  bytes: number;
  /** Names of entries that we did not put there: only their owner may remove them. */
  foreign: string[];
}

/** What is in a job's folder. @throws the system's error when the folder can't be read */
export function contentsOf(registryDir: string, jobId: string): Contents {
  const { folder } = jobPaths(registryDir, jobId);
  // A link's target belongs to someone else.
  if (!lstatSync(folder).isDirectory()) return { bytes: 0, foreign: [jobId] };
  return contentsIn(folder);
}

function contentsIn(folder: string): Contents {
  const texts = join(folder, 'texts');
  const names = readdirSync(folder);
  const stats = names.map((name) => ({ name, stat: lstatSync(join(folder, name)) }));
  const isOurs = ({ name, stat }: (typeof stats)[number]): boolean =>
    name === 'texts' ? stat.isDirectory() : stat.isFile() && (OURS.has(name) || JOB_NEIGHBOUR.test(name));
  const foreign = stats.filter((one) => !isOurs(one)).map(({ name }) => name);
  let bytes = stats.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0);
  if (names.includes('texts') && !foreign.includes('texts')) {
    for (const name of readdirSync(texts)) {
      const stat = lstatSync(join(texts, name));
      if (!HASH.test(name) || !stat.isFile()) foreign.push(`texts/${name}`);
      bytes += stat.size;
    }
  }
  return { bytes, foreign };
}

/**
 * Takes a job out of a registry in one step, by moving its folder into the registry's trash: a crash leaves it whole or
 * gone. `emptyTrash` deletes it.
 * @throws the system's error, ENOTDIR if the trash is not our own folder; the job stays as it was
 */
export function moveToTrash(registryDir: string, jobId: string): void {
  const trash = join(registryDir, TRASH);
  mkdirSync(trash, { recursive: true, mode: 0o700 });
  // A link would redirect the job, and the later deletion, to a place that is not ours.
  if (!isOwnFolder(trash))
    throw Object.assign(new Error(`${trash} is not a folder of our own`), { code: 'ENOTDIR' });
  // The trash may still have a folder of that name, from a job that was put back by hand.
  renameSync(jobPaths(registryDir, jobId).folder, join(trash, `${jobId}.${randomSuffix()}`));
}

/**
 * Deletes the jobs in a registry's trash, including those that a killed hub left there. A repository can bring its own
 * trash, so no link is followed, and only job folders with nothing but a job's files are deleted.
 * @throws the system's error
 */
export async function emptyTrash(registryDir: string): Promise<void> {
  const trash = join(registryDir, TRASH);
  if (!isOwnFolder(trash)) return;
  for (const name of readdirSync(trash)) {
    if (isThrownJob(join(trash, name), name)) await rm(join(trash, name), { recursive: true, force: true });
  }
  // It may contain something that is not ours, or a job that was added meanwhile.
  removeIfEmpty(trash);
}

/** True for a folder that `moveToTrash` may have put there: it has such a name and nothing foreign in it. */
function isThrownJob(folder: string, name: string): boolean {
  const jobId = THROWN.exec(name)?.[1];
  if (jobId === undefined || !isJobId(jobId)) return false;
  try {
    return isOwnFolder(folder) && contentsIn(folder).foreign.length === 0;
  } catch (error) {
    // Another hub has deleted all or part of it.
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
