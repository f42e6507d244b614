import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { orElse } from '../base/or-else.ts';

/** The maximum delay with which the system reports a rename, in ms. */
const REPORTED_MS = 50;

/**
 * Notices if a script, or a folder above it, is moved away while the script runs, even briefly: comparing the script
 * before and after can't show that.
 */
export class ScriptWatch {
  readonly #watchers: FSWatcher[] = [];
  #moved = false;

  constructor(script: string) {
    const real = orElse(() => realpathSync(script), script);
    for (const path of new Set([...upwards(script), ...upwards(real)])) {
      try {
        this.#watchers.push(watch(dirname(path), { persistent: false }, this.#onChange(basename(path))));
      } catch {
        // An unreadable folder, or too many watches: the remaining watches still help.
      }
    }
    for (const watcher of this.#watchers) watcher.on('error', () => {});
  }

  /** True if something has been moved so far. */
  async saw(): Promise<boolean> {
    await sleep(REPORTED_MS);
    return this.#moved;
  }

  end(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #onChange(name: string) {
    return (type: string, changed: string | null): void => {
      // `rename` also means that something was made or removed under that name.
      if (type === 'rename' && changed === name) this.#moved = true;
    };
  }
}

/** A path and the folders above it, without the root. */
function upwards(path: string): string[] {
  return path === dirname(path) ? [] : [path, ...upwards(dirname(path))];
}
