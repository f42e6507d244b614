import { statSync } from 'node:fs';
import { join } from 'node:path';
import { knownUserHome } from '../base/user-home.ts';
import { workingFolder } from '../base/working-folder.ts';
import { loadSettings, mamHome, type Settings } from '../settings/config.ts';
import { findProjectFolder } from '../settings/project.ts';

/** The settings of a running server, read again when one of their files changes, so that `mam trust` applies immediately. */
export class LiveSettings {
  #read: { stamp: string; settings: Promise<Settings> } | undefined;

  /** @throws MamError as `loadSettings` */
  async now(): Promise<Settings> {
    const stamp = this.#stamp();
    if (this.#read?.stamp === stamp) return this.#read.settings;
    const read = { stamp, settings: loadSettings() };
    this.#read = read;
    try {
      return await read.settings;
    } catch (error) {
      // The cause may be something other than a file, and may be fixed meanwhile.
      if (this.#read === read) this.#read = undefined;
      throw error;
    }
  }

  #stamp(): string {
    try {
      return settingsFiles()
        .map((path) => `${path},${stampOf(path)}`)
        .join(';');
    } catch (error) {
      // The working folder is gone: the settings read there still apply.
      if (this.#read === undefined) throw error;
      return this.#read.stamp;
    }
  }
}

/** Changes with the file. Unreadable files are reported by the code that needs them. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join();
  } catch {
    return '';
  }
}

/** Both `config.json` files, and the folder of trusted files, in which every change is a rename. */
function settingsFiles(): string[] {
  const home = mamHome();
  const project = findProjectFolder(workingFolder(), home, knownUserHome());
  return [...[home, project].map((folder) => join(folder, 'config.json')), join(home, 'trust')];
}
