import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { orElse } from '../base/or-else.ts';

/** The system tells of a rename this much later at most, in ms. */
const TOLD_MS = 50;

/**
 * Notices when a script, or a folder above it, is put away while the script runs, also for a moment: what a look at the
 * script before and after that can't tell.
 */
export class ScriptWatch {
  private readonly watchers: FSWatcher[] = [];
  private moved = false;

  /** @param script its path */
  constructor(script: string) {
    for (const path of new Set([...upwards(script), ...upwards(realOf(script))])) {
      try {
        this.watchers.push(watch(dirname(path), { persistent: false }, this.onChange(basename(path))));
      } catch {
        // A folder that can't be read, or too many watches: what can be seen is seen.
      }
    }
    for (const watcher of this.watchers) watcher.on('error', () => {});
  }

  /** True when something was moved until now. */
  async saw(): Promise<boolean> {
    await sleep(TOLD_MS);
    return this.moved;
  }

  end(): void {
    for (const watcher of this.watchers) watcher.close();
  }

  private onChange(name: string) {
    return (type: string, changed: string | null): void => {
      // `rename` also stands for something that is made or removed under that name.
      if (type === 'rename' && changed === name) this.moved = true;
    };
  }
}

/** A path and the folders above it, without the root. */
function upwards(path: string): string[] {
  return path === dirname(path) ? [] : [path, ...upwards(dirname(path))];
}

/** Where it lies; of one that is gone, its name. */
function realOf(script: string): string {
  return orElse(() => realpathSync(script), script);
}
