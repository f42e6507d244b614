import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { orElse } from '../../base/or-else.ts';

/** A `.git` folder of ours, in which git works on a foreign repository. */
export interface GitFolder {
  /** What makes git use it. */
  env: Record<string, string>;
  remove(): void;
}

/** Where the repository has its parts; relative ones are relative to the folder. */
interface Places {
  /** Of its objects, such as `sha1`. */
  format: string;
  /** Its working tree. */
  top: string;
  objects: string;
  index: string;
  exclude: string;
}

/**
 * Makes a temporary `.git` folder without configuration, attributes and hooks, for the index and the objects of a
 * repository. @throws the system's error
 */
export function makeGitFolder(folder: string, places: Places): GitFolder {
  const own = mkdtempSync(join(tmpdir(), 'mam-git-'));
  const remove = (): void => rmSync(own, { recursive: true, force: true });
  const [objects, index, exclude] = [places.objects, places.index, places.exclude].map((path) =>
    resolve(folder, path),
  ) as [string, string, string];
  try {
    for (const name of ['refs', 'info']) mkdirSync(join(own, name));
    writeFileSync(join(own, 'HEAD'), 'ref: refs/heads/none\n');
    const format = places.format === 'sha256' ? 'sha256' : 'sha1';
    const version = format === 'sha1' ? '0' : `1\n[extensions]\n\tobjectFormat = ${format}`;
    writeFileSync(join(own, 'config'), `[core]\n\tbare = false\n\trepositoryFormatVersion = ${version}\n`);
    symlinkSync(exclude, join(own, 'info/exclude'));
    // An index may consist of two files.
    for (const name of orElse(() => readdirSync(dirname(index)), []))
      if (name.startsWith('sharedindex.')) symlinkSync(join(dirname(index), name), join(own, name));
  } catch (error) {
    remove();
    throw error;
  }
  const env = { GIT_DIR: own, GIT_WORK_TREE: places.top, GIT_INDEX_FILE: index };
  return { env: { ...env, GIT_OBJECT_DIRECTORY: objects }, remove };
}
