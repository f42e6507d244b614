import { lstatSync, realpathSync } from 'node:fs';
import { isOwn } from '../trust/owner.ts';

/**
 * A folder that we write to for a long time, in a project where others can write too. A link that replaces it, or a
 * folder above it, would redirect all of that elsewhere.
 */
export class OwnPlace {
  readonly folder: string;
  /** Its real path when it was first used. */
  #real: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Call before each use; a missing folder passes, as its use will fail. @throws the system's error, ENOTDIR if replaced */
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
