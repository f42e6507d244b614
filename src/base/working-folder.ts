import { existsSync, readlinkSync } from 'node:fs';
import { MamError } from './errors.ts';

/** What Linux adds to the path of a folder that was removed. */
const REMOVED = / \(deleted\)$/;

/**
 * The folder that this process works in, by its present name: Node keeps the one that it had when it was first asked. One
 * that was removed keeps its name: what is done there is refused by who needs it, and all else goes on, such as a report.
 * It may also have been made anew, as by a switch of branches.
 * @throws MamError `unavailable` where the system does not tell
 */
export function workingFolder(): string {
  const folder = linkedFolder();
  if (folder !== undefined && existsSync(folder)) return folder;
  try {
    return process.cwd();
  } catch (error) {
    return folder?.replace(REMOVED, '') ?? unknown(error);
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

function linkedFolder(): string | undefined {
  try {
    return readlinkSync('/proc/self/cwd');
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
