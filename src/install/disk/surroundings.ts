import { lstatSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { isProgram } from '../../base/find-program.ts';
import { realPlace } from '../../base/real-place.ts';
import { userHome } from '../../base/user-home.ts';
import { workingFolder } from '../../base/working-folder.ts';
import { mamHome } from '../../settings/config.ts';
import { programPath } from '../../settings/program.ts';
import { PROJECT_FOLDER } from '../../settings/project.ts';
import { isOwn } from '../../trust/owner.ts';
import type { Client, Surroundings } from '../client.ts';
import { realOf } from './files.ts';

type Env = Surroundings['env'];

/** What the clients' files have to know of this machine, of the working directory and of this program. */
export function surroundings(env: Env): Surroundings {
  return {
    home: userHome(),
    project: projectAround(workingFolder(), mamHome(env)),
    env,
    isFile,
    ...serverCommand(env),
  };
}

/**
 * The project's top: the next folder upwards with a repository or a `.mam` folder of this user's, not above HOME; else the
 * folder itself.
 */
function projectAround(cwd: string, home: string): string {
  const top = realPlace(userHome());
  const inside = cwd.startsWith(top + sep);
  for (let folder = cwd; !(inside && folder === top); folder = dirname(folder)) {
    const own = join(folder, PROJECT_FOLDER);
    if (isOurs(join(folder, '.git')) || (own !== home && isOurs(own))) return folder;
    if (folder === dirname(folder)) break;
  }
  return cwd;
}

/** What another user has put into a shared folder above makes that no project of ours. */
function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && isOwn(stat);
}

/** This program by the name under which it is installed, else by Node and its file. */
function serverCommand(env: Env): { command: string; args: string[] } {
  const program = programPath();
  const started = process.argv[1] ?? '';
  const named = [
    ...(basename(started) === 'mam' ? [resolve(started)] : []),
    ...foldersOf(env).map((folder) => join(folder, 'mam')),
  ];
  const installed = named.find((path) => realOf(path) === realOf(program));
  return installed === undefined
    ? { command: process.execPath, args: [program] }
    : { command: installed, args: [] };
}

function foldersOf(env: Env): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
}

/** What may keep the install from working, a sentence each. */
export function doubts({ title, program }: Client, { env, command, args }: Surroundings): string[] {
  const there = foldersOf(env).some(
    (folder) => isProgram(join(folder, program)) && isFile(join(folder, program)),
  );
  const cached = [command, ...args].some((word) => word.includes(`${sep}_npx${sep}`));
  return [
    ...(there ? [] : [`${program} is not on the PATH: is ${title} installed?`]),
    ...(cached ? ["mam runs from npm's cache, which npm may empty: install it, then run this again."] : []),
  ];
}

function isFile(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0;
  } catch {
    return false;
  }
}
