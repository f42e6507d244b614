import { lstatSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { findProgram } from '../../base/find-program.ts';
import { orElse } from '../../base/or-else.ts';
import { isSamePlace, realPlace } from '../../base/real-place.ts';
import { userHome } from '../../base/user-home.ts';
import { workingFolder } from '../../base/working-folder.ts';
import { mamHome } from '../../settings/config.ts';
import { programPath } from '../../settings/program.ts';
import { PROJECT_FOLDER } from '../../settings/project.ts';
import { isOwn } from '../../trust/owner.ts';
import type { Client, Surroundings } from '../client.ts';

type Env = Surroundings['env'];

/** What the clients' files depend on: this machine, the working directory and this program. */
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
 * The top of the project: the nearest folder upwards with a repository or a `.mam` folder of this user's, not above HOME;
 * else the folder itself.
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

/** False for what another user has put into a shared folder above: that must not become our project. */
function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && isOwn(stat);
}

/** This program by its installed name, else by Node and its file. */
function serverCommand(env: Env): { command: string; args: string[] } {
  const program = programPath();
  const started = process.argv[1] ?? '';
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const named = onPath.map((folder) => join(folder, 'mam'));
  if (basename(started) === 'mam') named.unshift(resolve(started));
  const installed = named.find((path) => isSamePlace(path, program));
  return installed === undefined
    ? { command: process.execPath, args: [program] }
    : { command: installed, args: [] };
}

/** What may keep the install from working, as sentences. */
export function doubts({ title, program }: Client, { env, command, args }: Surroundings): string[] {
  const isNowhere = command === 'mam' && findProgram(command, env['PATH']) === undefined;
  const nowhere = 'mam is not on the PATH here: install it (npm install -g), or this client cannot start it.';
  const found = findProgram(program, env['PATH']);
  const isCached = [command, ...args].some((word) => word.includes(`${sep}_npx${sep}`));
  const missing = `${program} is not on the PATH: is ${title} installed?`;
  const cached = "mam runs from npm's cache, which npm may empty: install it, then run this again.";
  return [
    ...(found !== undefined && isFile(found) ? [] : [missing]),
    ...(isCached ? [cached] : []),
    ...(isNowhere ? [nowhere] : []),
  ];
}

function isFile(path: string): boolean {
  const stat = orElse(() => statSync(path), undefined);
  return stat?.isFile() === true && stat.size > 0;
}
