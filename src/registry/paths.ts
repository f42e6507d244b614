import { chmodSync, existsSync, lstatSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { checkRoom, makeFolder } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { realPlace } from '../base/real-place.ts';
import { isOwn } from '../trust/owner.ts';

export type JobPaths = ReturnType<typeof jobPaths>;

/** Paths of a job's files. @throws MamError `bad_input` for an id that can't be a folder's name */
export function jobPaths(registryDir: string, jobId: string) {
  if (!isJobId(jobId))
    throw new MamError('bad_input', 'This is not a job id.', 'A job id contains only a-z, 0-9 and -.');
  const folder = join(registryDir, jobId);
  return {
    folder,
    journal: join(folder, 'events.jsonl'),
    record: join(folder, 'job.json'),
    /** Only of the copy of a job that another host has. */
    replica: join(folder, 'replica.json'),
    prompt: join(folder, 'prompt.md'),
    texts: join(folder, 'texts'),
  };
}

/** The file with what a job's agent is to do: its prompt, or that with the results that it names in their places. */
export function taskFile(
  { task_sha256: hash }: { task_sha256?: string | undefined },
  paths: JobPaths,
): string {
  return hash === undefined ? paths.prompt : join(paths.texts, hash);
}

/** The path of a job's journal, for a valid id: lists need it for every job, so nothing is checked. */
export function journalPath(registryDir: string, jobId: string): string {
  return `${registryDir}/${jobId}/events.jsonl`;
}

/** True when the registry has a folder with a journal for this job. */
export function hasJob(registryDir: string, jobId: string): boolean {
  if (!isJobId(jobId)) return false;
  const { folder, journal } = jobPaths(registryDir, jobId);
  // Never through a link: its target belongs to something else.
  return orElse(() => lstatSync(folder).isDirectory() && lstatSync(journal).isFile(), false);
}

/**
 * The real path of a registry, with links above it resolved. If the registry or its `.mam` folder is itself a link, it
 * stays one and is refused later.
 */
export function realRegistry(registryDir: string): string {
  const dir = resolve(registryDir);
  const top = projectFolderOf(dir);
  return join(realPlace(top), relative(top, dir));
}

/** The inode of a folder, which survives a rename; nothing while the folder can't be seen. */
export function inodeAt(dir: string): number | undefined {
  return orElse(() => statSync(dir, { throwIfNoEntry: false })?.ino, undefined);
}

/** True if a registry, and the `.mam` folder around it, are real folders. */
export function isRealRegistry(registryDir: string): boolean {
  const places = [projectOf(registryDir) ?? registryDir, registryDir];
  // A missing path, or one below a file, is not a folder.
  return orElse(() => places.every((place) => lstatSync(place).isDirectory()), false);
}

/** The folder that a user would move together with the registry: the project, or the parent of a separate registry. */
export function projectFolderOf(registryDir: string): string {
  return dirname(projectOf(registryDir) ?? registryDir);
}

/** The `.mam` folder that a registry is in, if it is in one. */
function projectOf(registryDir: string): string | undefined {
  return basename(dirname(registryDir)) === '.mam' ? dirname(registryDir) : undefined;
}

/** The path that a hub locks before it writes a registry. */
export function lockPath(registryDir: string): string {
  return `${registryDir}/.hub`;
}

/**
 * True if a job's folder was removed from a registry that this hub has locked. A registry without its lock (an
 * unmounted disk may leave an empty folder), or one that can't be read now, proves nothing.
 */
export function isRemoved(registryDir: string, jobId: string): boolean {
  const isGone = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) === undefined;
  return orElse(
    () => isGone(jobPaths(registryDir, jobId).folder) && !isGone(`${lockPath(registryDir)}.lock`),
    false,
  );
}

/**
 * Whether a job is in its registry. `away`: the registry can't be accessed now, or is not the same folder as before (a
 * disk that is mounted late, a folder that was renamed), so nothing is known about its jobs. `cut`: only its record is
 * left there.
 * @param inode of the registry's folder, when the job was last seen there
 */
export function whereIs(
  registryDir: string,
  jobId: string,
  inode?: number,
): 'here' | 'gone' | 'away' | 'cut' {
  if (!isJobId(jobId)) return 'gone';
  try {
    const registry = statSync(registryDir, { throwIfNoEntry: false });
    if (registry === undefined) return 'away';
    const { folder, journal, record } = jobPaths(registryDir, jobId);
    const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) {
      if (isFile(journal)) return 'here';
      return isFile(record) ? 'cut' : 'gone';
    }
    if (inode !== undefined) return registry.ino === inode ? 'gone' : 'away';
    const marks = ['.hub.lock', '.hub.owner', '.index.jsonl'].map((name) => `${registryDir}/${name}`);
    return marks.some((mark) => existsSync(mark)) ? 'gone' : 'away';
  } catch {
    return 'away';
  }
}

/**
 * Makes sure that a registry can be written and is a real folder of this user's that nobody else can write to. A
 * missing one is made, with a `.gitignore` next to it if it belongs to a project.
 * @param look only check whether a missing one could be made
 * @throws MamError `io` when it can't be written, `refused` if it, or the `.mam` folder around it, is a link or another
 * user's
 */
export function ensureRegistry(registryDir: string, look = false): void {
  try {
    const project = projectOf(registryDir);
    if (project !== undefined) checkRegistryFolder(project, look);
    if (look) {
      checkRoom(registryDir);
      return;
    }
    makeFolder(registryDir);
    checkRegistryFolder(registryDir);
    if (project === undefined) return;
    try {
      writeFileSync(join(project, '.gitignore'), '*\n', { flag: 'wx' });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  } catch (error) {
    throw registryError(registryDir, error);
  }
}

function checkRegistryFolder(folder: string, look = false): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const isForeign = stat.isDirectory() && !isOwn(stat);
  if (stat.isSymbolicLink() || isForeign) {
    const why = isForeign ? `belongs to another user (uid ${stat.uid})` : 'is a link';
    throw new MamError(
      'refused',
      `The registry ${folder} ${why}, so nothing is written there.`,
      'Set MAM_REGISTRY_DIR to a folder of your own.',
    );
  }
  // A clone may leave it writable for the group: its content so far is foreign anyway, but new content is not.
  if (!look && (stat.mode & 0o022) !== 0) chmodSync(folder, stat.mode & 0o755);
}

/** The error for a registry that can't be written; a `MamError` is returned unchanged. */
export function registryError(registryDir: string, error: unknown): MamError {
  if (error instanceof MamError) return error;
  const code = systemCode(error) ?? 'unknown error';
  const confined = ['EACCES', 'EPERM', 'EROFS'].includes(code)
    ? ' If you can write to it yourself, the hub was started in a sandbox: run `mam hub restart` outside it.'
    : '';
  return new MamError(
    'io',
    `The registry ${registryDir} cannot be written (${code}).`,
    `Fix its permissions or free some space, or set MAM_REGISTRY_DIR to a writable folder.${confined}`,
    { cause: error },
  );
}
