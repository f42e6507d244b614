import { statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { nearestThere, realPlace } from '../base/real-place.ts';
import { isOwnFolder } from '../trust/owner.ts';
import { repositoryOf } from './repository.ts';

export const PROJECT_FOLDER = '.mam';

/** System folders. The server of a client without a project is started in one of them. */
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set(
  [
    ...['bin', 'boot', 'dev', 'etc', 'home', 'lib', 'lib32', 'lib64', 'media', 'mnt', 'opt', 'proc', 'run'],
    ...['sbin', 'srv', 'sys', 'usr', 'usr/bin', 'usr/local', 'var'],
    ...['Applications', 'Library', 'System', 'Users', 'Volumes', 'private', 'private/var'],
  ].map((path) => resolve('/', path)),
);
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * The project's `.mam` folder for a working directory: the nearest one upwards (not `home` itself, nor above `userHome`,
 * another user's, a link, or in `/` or a shared temporary folder), else in the repository around the directory, else in
 * the directory itself. A `.mam` in a system folder or in the user's home folder would catch every project without its
 * own, so work there uses one in `home`. The folder need not exist yet.
 * @param cwd absolute, or relative to this process's working directory
 * @param home `MAM_HOME`, links resolved
 */
export function findProjectFolder(cwd: string, home: string, userHome: string | undefined): string {
  const start = nearestThere(realPlace(resolve(cwd)));
  const top = userHome === undefined ? undefined : realPlace(userHome);
  for (const folder of upwards(start, top)) {
    const candidate = join(folder, PROJECT_FOLDER);
    if (candidate !== home && isOwnFolder(candidate) && !isShared(folder)) return candidate;
  }
  const repository = repositoryOf(start);
  if (repository !== undefined && !isShared(repository) && repository !== top)
    return join(repository, PROJECT_FOLDER);
  const isNone = start === top || repository === top || isShared(start) || SYSTEM_FOLDERS.has(start);
  return isNone ? join(home, 'project') : join(start, PROJECT_FOLDER);
}

function* upwards(start: string, top: string | undefined): Generator<string> {
  const inside = top !== undefined && (start === top || start.startsWith(top + sep));
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder) || (inside && folder === top)) return;
  }
}

/** True for `/` and shared temporary folders: they hold everyone's projects, and are not projects. */
function isShared(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  const isTemporary = stat !== undefined && (stat.mode & WRITABLE_BY_ALL) !== 0 && (stat.mode & STICKY) !== 0;
  return folder === '/' || isTemporary;
}
