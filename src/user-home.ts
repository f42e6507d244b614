import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';

/**
 * The user's home folder: `HOME` where that is a whole path, else what the system knows. An empty or relative one leads
 * into the working directory, whose `.mam` may have come with a clone.
 */
export function userHome(): string {
  const home = homedir();
  return isAbsolute(home) ? home : userInfo().homedir;
}
