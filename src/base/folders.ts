import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';
import { orElse } from './or-else.ts';

/** Linux file systems that expose the kernel and store no files: proc and sysfs. */
const KERNEL_ONLY: readonly number[] = [0x9fa0, 0x62656572];

/**
 * Makes a private folder (0700) and its missing parents. Node's own recursive mkdir never returns below a place like
 * /proc, where no folder can be made and the system reports that its parent is missing.
 * @throws the system's error, also if something that is not a folder already has that name
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
  }
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      // Another process made it in the meantime.
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** True for a folder, or a link to one. @throws the system's error if it can't be examined */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** How long ago a file was last written, in ms; 0 when it is gone. */
export function ageOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

/** The names in a folder; empty if it is missing or can't be read. */
export function namesIn(folder: string): string[] {
  return orElse(() => readdirSync(folder), []);
}

/** Removes a folder if it is empty. */
export function removeIfEmpty(folder: string): void {
  orElse(() => rmdirSync(folder), undefined);
}

/** Checks that `makeFolder` would make a folder that can be written. @throws the system's error when it would not */
export function checkRoom(path: string): void {
  let folder = path;
  while (statSync(folder, { throwIfNoEntry: false }) === undefined && dirname(folder) !== folder)
    folder = dirname(folder);
  // The trailing slash makes this fail for anything but a folder.
  accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
  // The system tells root that these are writable, but nothing can be made there.
  if (KERNEL_ONLY.includes(statfsSync(folder).type))
    throw Object.assign(new Error(`nothing can be made in ${folder}`), { code: 'ENOENT' });
}
