import { lstatSync, realpathSync } from 'node:fs';
import { isOwn } from '../trust/owner.ts';

/**
 * A folder that is written into for a long time, in a project where others can write: a link that is put in its place
 * meanwhile, or in that of a folder above it, would send all of it elsewhere.
 */
export class OwnPlace {
  readonly folder: string;
  /** Where it lay when it was first used. */
  #real: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Before each use. A missing one passes: the use will fail. @throws the system's error, ENOTDIR for another place */
  check(): void {
    const stat = lstatSync(this.folder, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const real = realpathSync(this.folder);
    this.#real ??= real;
    if (stat.isDirectory() && isOwn(stat) && real === this.#real) return;
    throw Object.assign(new Error(`${this.folder} is not the folder of our own that it was`), {
      code: 'ENOTDIR',
    });
  }
}
