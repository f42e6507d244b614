import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { placeOf, type WorkingPlace } from './place.ts';
import { type GitEnvironment, lookGit, refusal } from './run-git.ts';
import { withScratch } from './scratch.ts';

/** How files look on the disk, and which are ignored. None of these settings names a program. */
const HARMLESS = [
  ...['autocrlf', 'eol', 'filemode', 'ignorecase', 'symlinks', 'precomposeunicode', 'checkstat'],
  ...['trustctime', 'excludesfile', 'sparsecheckout', 'sparsecheckoutcone'],
];
const FORMAT = 'extensions.objectformat';
/** What git reads besides its configuration: which files are ignored, their attributes, and which a sparse checkout has. */
const INFO = ['exclude', 'attributes', 'sparse-checkout'];

/**
 * Looks at the files of a worktree with a git folder of ours, which has the index and the objects of the repository and
 * only harmless settings of its configuration: that may name programs that files are passed through, and whoever works
 * in the folder can change it at any time. Filters of the user's own configuration stay, such as Git LFS.
 * @param folder in the worktree
 * @param body gets what git is to be run with
 * @throws MamError `refused` with git's reason if it is in none; as `lookGit` and `body`; the system's error without room
 * for a temporary folder
 */
export async function withOwnFolder<T>(
  folder: string,
  how: GitEnvironment,
  body: (own: GitEnvironment) => Promise<T>,
): Promise<T> {
  const [place, said] = await Promise.all([
    placeOf(folder, how),
    lookGit(folder, ['config', '-z', '--get-regexp', `^(core\\.(${HARMLESS.join('|')})|${FORMAT})$`], how),
  ]);
  if (place === undefined) throw refusal(await lookGit(folder, ['rev-parse', '--show-toplevel'], how));
  const settings = said.stdout
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.split('\n', 2) as [name: string, value?: string]);
  // Only one of git's own words gets into our configuration.
  const isSha256 = settings.findLast(([name]) => name === FORMAT)?.[1] === 'sha256';
  return withScratch(async (own) => {
    await fill(own, place, isSha256);
    const git = {
      ...{ ...how.git, GIT_DIR: own, GIT_WORK_TREE: place.top },
      GIT_INDEX_FILE: join(place.gitFolder, 'index'),
      GIT_OBJECT_DIRECTORY: join(place.repository, 'objects'),
      ...asVariables(settings.filter(([name]) => name !== FORMAT)),
    };
    return body({ ...how, git });
  });
}

async function fill(own: string, place: WorkingPlace, isSha256: boolean): Promise<void> {
  const { gitFolder, repository, head } = place;
  const version = isSha256 ? '1\n[extensions]\n\tobjectFormat = sha256' : '0';
  const config = `[core]\n\tbare = false\n\trepositoryFormatVersion = ${version}\n`;
  await Promise.all(['refs', 'info'].map((name) => mkdir(join(own, name))));
  // An index may consist of two files.
  const shared = (await readdir(gitFolder)).filter((name) => name.startsWith('sharedindex.'));
  await Promise.all([
    writeFile(join(own, 'HEAD'), `${head ?? 'ref: refs/heads/none'}\n`),
    writeFile(join(own, 'config'), config),
    ...shared.map((name) => symlink(join(gitFolder, name), join(own, name))),
    ...INFO.map((name) => {
      const at = name === 'sparse-checkout' ? gitFolder : repository;
      return symlink(join(at, 'info', name), join(own, 'info', name));
    }),
  ]);
}

/** Settings as git takes them from its environment, where no character of a value means anything. */
function asVariables(settings: readonly (readonly [string, string?])[]): Record<`GIT_${string}`, string> {
  const entries = settings.flatMap(([name, value = 'true'], place): [`GIT_${string}`, string][] => [
    [`GIT_CONFIG_KEY_${place}`, name],
    [`GIT_CONFIG_VALUE_${place}`, value],
  ]);
  return { GIT_CONFIG_COUNT: `${settings.length}`, ...Object.fromEntries(entries) };
}
