import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { MamError } from './errors.ts';

/**
 * The user's home folder: `HOME` if that is absolute, otherwise what the system knows. An empty or relative one would
 * lead into the working directory, whose `.mam` may have come with a clone.
 * @throws MamError `unavailable` where neither is known, as for a user without a passwd entry in a container
 */
export function userHome(): string {
  const home = knownUserHome();
  if (home !== undefined) return home;
  throw new MamError(
    'unavailable',
    `HOME is not set, and the system knows no home folder for this user (uid ${userId()}).`,
    'Set HOME to a folder of yours.',
  );
}

/** The same; undefined if neither is known. */
export function knownUserHome(): string | undefined {
  for (const ask of [homedir, () => userInfo().homedir]) {
    try {
      const home = ask();
      if (isAbsolute(home)) return home;
    } catch {
      // The system has no entry for this user.
    }
  }
  return undefined;
}

/** The user's id, as in names of files; -1 on a system without users. */
export function userId(): number {
  return process.getuid?.() ?? -1;
}
