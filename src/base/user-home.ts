import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { MamError } from './errors.ts';

/**
 * The user's home folder: `HOME` where that is a whole path, else what the system knows. An empty or relative one leads
 * into the working directory, whose `.mam` may have come with a clone.
 * @throws MamError `unavailable` where neither tells, as for a user without a passwd entry in a container
 */
export function userHome(): string {
  const home = knownUserHome();
  if (home !== undefined) return home;
  throw new MamError(
    'unavailable',
    `HOME is not set, and the system knows no home folder of this user (uid ${userId()}).`,
    'Set HOME to a folder of yours.',
  );
}

/** The same; nothing where neither tells. */
export function knownUserHome(): string | undefined {
  for (const ask of [homedir, () => userInfo().homedir]) {
    try {
      const home = ask();
      if (isAbsolute(home)) return home;
    } catch {
      // The system has no entry of this user.
    }
  }
  return undefined;
}

/** The user's id, as names of files have it; it needs no entry of the system. -1 on one without users. */
export function userId(): number {
  return process.getuid?.() ?? -1;
}
