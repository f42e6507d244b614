import { existsSync, readlinkSync } from 'node:fs';
import { MamError } from './errors.ts';
import { orElse } from './or-else.ts';

/** What Linux adds to the path of a folder that was removed. */
const REMOVED = / \(deleted\)$/;

/**
 * The working folder of this process by its current name: Node keeps the name from the first call. A removed folder
 * keeps its name, so that only what needs the folder is refused; a report, for example, still works. It may also have
 * been made again, as when the user switches branches.
 * @throws MamError `unavailable` if the system does not say
 */
export function workingFolder(): string {
  // Only on Linux.
  const folder = orElse(() => readlinkSync('/proc/self/cwd'), undefined);
  if (folder !== undefined && existsSync(folder)) return folder;
  try {
    return process.cwd();
  } catch (error) {
    if (folder !== undefined) return folder.replace(REMOVED, '');
    const remedy = 'Change into one that exists (`cd`).';
    throw new MamError('unavailable', 'The working directory was removed.', remedy, { cause: error });
  }
}

/** @throws MamError `bad_input` if the working folder is gone, for commands that need it */
export function checkWorkingFolder(): void {
  const folder = workingFolder();
  if (!existsSync(folder)) throw gone(folder);
}

/** The error for a working folder that no longer exists. */
export function gone(folder: string): MamError {
  const remedy = 'Change into a folder that exists (`cd`), and run it again.';
  return new MamError('bad_input', `The working directory ${folder} was removed.`, remedy);
}
