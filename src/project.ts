import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** Name of the project's folder. */
export const PROJECT_FOLDER = '.mam';

/**
 * The project's `.mam` folder for a working directory: found upwards (never `home` itself, nothing above `userHome`,
 * nothing of another user), else in the main worktree of the git repository, else in the directory itself. It need
 * not exist yet.
 */
export function findProjectFolder(cwd: string, home: string, userHome: string): string {
  const start = resolve(cwd);
  for (const folder of upwards(start, userHome)) {
    const candidate = join(folder, PROJECT_FOLDER);
    if (candidate !== home && isOwnFolder(candidate)) return candidate;
  }
  const place = join(mainWorktree(start) ?? start, PROJECT_FOLDER);
  // Only with the working directory `$HOME` itself would the project folder be MAM_HOME: keep the two apart.
  return place === home ? join(home, 'project') : place;
}

function* upwards(start: string, userHome: string): Generator<string> {
  const inside = start === userHome || start.startsWith(userHome + sep);
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder) || (inside && folder === userHome)) return;
  }
}

/** A folder of somebody else, say in a shared temporary directory, must not catch our jobs. */
function isOwnFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && (process.getuid === undefined || stat.uid === process.getuid());
}

/** The main worktree of the repository that holds `start`; linked worktrees name it in their `commondir`. */
function mainWorktree(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    const stat = statSync(git, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return folder;
    if (stat?.isFile()) {
      const gitdir = /^gitdir: (.+)$/m.exec(readFileSync(git, 'utf8'))?.[1];
      if (gitdir === undefined) return folder;
      const absolute = resolve(folder, gitdir);
      const common = join(absolute, 'commondir');
      // A submodule has a gitdir, but no commondir: it is a repository of its own.
      if (!existsSync(common)) return folder;
      return dirname(resolve(absolute, readFileSync(common, 'utf8').trim()));
    }
    if (folder === dirname(folder)) return undefined;
  }
}
