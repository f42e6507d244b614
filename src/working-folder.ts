import { existsSync, readlinkSync } from 'node:fs';
import { MamError } from './errors.ts';

/** What Linux adds to the path of a folder that was removed. */
const REMOVED = / \(deleted\)$/;

/**
 * The folder that this process works in. One that was removed keeps its name: what is done there is refused by who needs
 * it, and all else goes on, such as a report. It may also have been made anew, as by a switch of branches.
 * @throws MamError `unavailable` where the system does not tell
 */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    return removedFolder() ?? unknown(error);
  }
}

/** @throws MamError `bad_input` where the working folder is gone, for what would be done in it */
export function checkWorkingFolder(): void {
  const folder = workingFolder();
  if (!existsSync(folder)) throw gone(folder);
}

/** The error for a working folder that is not there any more. */
export function gone(folder: string): MamError {
  return new MamError(
    'bad_input',
    `The working directory ${folder} was removed.`,
    'Change into a folder that is there (`cd`), and run it again.',
  );
}

function removedFolder(): string | undefined {
  try {
    return readlinkSync('/proc/self/cwd').replace(REMOVED, '');
  } catch {
    // Only Linux tells.
    return undefined;
  }
}

function unknown(cause: unknown): never {
  throw new MamError(
    'unavailable',
    'The working directory was removed.',
    'Change into one that is there (`cd`).',
    {
      cause,
    },
  );
}
