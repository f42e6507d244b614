import { statSync } from 'node:fs';
import { join } from 'node:path';
import { knownUserHome } from '../base/user-home.ts';
import { workingFolder } from '../base/working-folder.ts';
import { loadSettings, mamHome, type Settings } from '../settings/config.ts';
import { findProjectFolder } from '../settings/project.ts';

/** The settings of a running server, read again when one of their files has changed, so that `mam trust` counts at once. */
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
      // Not only a file may be fixed meanwhile.
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
      // The working folder is gone: what was read there still counts.
      if (this.#read === undefined) throw error;
      return this.#read.stamp;
    }
  }
}

/** What changes with a file; one that can't be looked at is reported by whoever needs it. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join();
  } catch {
    return '';
  }
}

/** Both `config.json`, and the folder of what was trusted, where each change is a rename. */
function settingsFiles(): string[] {
  const home = mamHome();
  const project = findProjectFolder(workingFolder(), home, knownUserHome());
  return [...[home, project].map((folder) => join(folder, 'config.json')), join(home, 'trust')];
}
