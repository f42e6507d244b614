import { MamError } from '../errors.ts';
import { type Home, type Pointer, readPointers } from './home.ts';
import { whereIs } from './paths.ts';

/** What a pointer says of the folder of its job's registry. */
export function inodeOf({ note }: Pointer): number | undefined {
  const { inode } = (note ?? {}) as { inode?: unknown };
  return typeof inode === 'number' ? inode : undefined;
}

/** True for a live job whose registry can't be looked into now. */
export function isAway(pointer: Pointer): boolean {
  return whereIs(pointer.registryDir, pointer.jobId, inodeOf(pointer)) === 'away';
}

/** The live jobs of a home whose registries are away; none where no hub has run yet. */
export function awayJobs(home: Home): Pointer[] {
  try {
    return readPointers(home).filter(isAway);
  } catch {
    return [];
  }
}

const BRING_BACK =
  'Mount its disk, or put the folder back: then the job goes on, and what was reported meanwhile is recorded.';

/** The sentence for a job whose registry is away. It may pass, so what is reported meanwhile is kept. */
export function awayError({ jobId, registryDir }: Pointer): MamError {
  if (registryDir === '') {
    const what = `Where job ${jobId} lies is not known: its file in MAM_HOME/live is damaged, and no known registry has it.`;
    return new MamError(
      'io',
      what,
      `Run \`mam status ${jobId}\` in its project. If it is gone: \`mam cancel ${jobId}\`.`,
    );
  }
  const end = `${BRING_BACK} If it is gone for good: \`mam cancel ${jobId}\`.`;
  return new MamError('io', `The registry ${registryDir} of job ${jobId} is not there now.`, end);
}

/** The same for a job that is in no registry that is there, and so perhaps in one that is away. */
export function perhapsAwayError(jobId: string, registryDir: string): MamError {
  const what = `The registry ${registryDir} is not there now, and no other one has job ${jobId}.`;
  return new MamError('io', what, BRING_BACK);
}
