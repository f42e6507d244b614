import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orElse } from '../../base/or-else.ts';
import { isSettled } from '../../job/apply.ts';
import { isHistory } from '../../job/history.ts';
import { awayListError } from '../../registry/away.ts';
import { readRegistries } from '../../registry/home.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { knownRegistry } from '../../registry/known-jobs.ts';
import { isLiving, readOwner } from '../../registry/lock.ts';
import { hasJob, lockPath } from '../../registry/paths.ts';
import type { Store } from './store.ts';

/**
 * Searches all known registries for open jobs, when the pointers to the live ones may be lost. A registry that is away is
 * searched when it is back, by this hub or the next one.
 */
export class Search {
  readonly #with;
  readonly #onFound: (dir: string, jobId: string) => Promise<unknown>;
  /** Registries that are still to be searched. */
  readonly #due: Set<string>;

  /** @param onFound called for each open job */
  constructor(
    parts: Pick<Store, 'home' | 'seal' | 'log'>,
    onFound: (dir: string, jobId: string) => Promise<unknown>,
  ) {
    this.#with = parts;
    this.#onFound = onFound;
    this.#due = new Set(orElse(() => readFileSync(this.#note, 'utf8').split('\n').filter(Boolean), []));
  }

  /** True while a registry that is away must still be searched. */
  get isWaiting(): boolean {
    return this.#due.size > 0;
  }

  /** True when a hub of this home was killed while it had a registry. */
  wasKilled(): boolean {
    return readRegistries(this.#with.home).some((dir) => {
      const owner = readOwner(lockPath(dir));
      return owner?.what === this.#with.home.folder && !isLiving(owner);
    });
  }

  /** Searches all registries. @param isLost the pointers are lost, so registries that are away are waited for */
  async all(isLost: boolean): Promise<void> {
    const dirs = readRegistries(this.#with.home);
    if (isLost) for (const dir of dirs) if (this.#isAway(dir)) this.#due.add(dir);
    this.#keep();
    for (const dir of dirs) if (!this.#due.has(dir)) await this.#lookThrough(dir);
  }

  /** Runs every second: searches the registries that are back. */
  async again(): Promise<void> {
    const back = [...this.#due].filter((dir) => !this.#isAway(dir));
    for (const dir of back) {
      await this.#lookThrough(dir);
      this.#due.delete(dir);
    }
    if (back.length > 0) this.#keep();
  }

  async #lookThrough(dir: string): Promise<void> {
    if (this.#isAway(dir) || !existsSync(dir)) return;
    try {
      const index = await JobIndex.load(dir, this.#with.seal);
      const open = [...index.inOrder()].filter((row) => !isSettled(row) && !isHistory(row));
      for (const { job_id: id } of open)
        await this.#onFound(dir, id).catch((error) =>
          this.#with.log.error(`job ${id} was not taken up`, error),
        );
    } catch (error) {
      this.#with.log.error(`the registry ${dir} was not searched for open jobs`, error);
    }
  }

  /** A registry that never had a job as far as known, or whose jobs have all moved to another one, is not waited for. */
  #isAway(dir: string): boolean {
    if (awayListError(this.#with.home, dir, true) === undefined) return false;
    const others = readRegistries(this.#with.home).filter((other) => other !== dir);
    const ids = knownRegistry(this.#with.home, dir)?.jobs.keys() ?? [];
    return [...ids].some((id) => !others.some((other) => hasJob(other, id)));
  }

  /** The file that tells the next hub, next to the pointers. */
  get #note(): string {
    return join(this.#with.home.live, '.search');
  }

  #keep(): void {
    try {
      if (this.#due.size === 0) rmSync(this.#note, { force: true });
      else writeFileSync(this.#note, `${[...this.#due].join('\n')}\n`, { mode: 0o600 });
    } catch (error) {
      this.#with.log.error('what is still to be searched was not noted', error);
    }
  }
}
