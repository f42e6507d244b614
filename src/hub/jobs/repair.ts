import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { isFinal } from '../../job/words.ts';
import { sweepJob } from '../../registry/files.ts';
import { moveNotes } from '../../registry/known-jobs.ts';
import type { LiveJob } from './live-job.ts';
import type { Removal } from './removal.ts';
import type { Store } from './store.ts';

/** Repairs registries with open jobs that were removed (in part or as a whole), replaced by a copy, or moved. */
export class Repair {
  readonly #store: Store;
  readonly #removal: Removal;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(store: Store, removal: Removal) {
    this.#store = store;
    this.#removal = removal;
  }

  /**
   * @param mayMake whether to recreate a registry that was removed
   * @returns false when nothing was repaired: something else is wrong, or the registry is only away
   * @throws MamError `io` when the registry can't be taken again, `conflict` when another hub has it
   */
  repair(dir: string, mayMake = true): Promise<boolean> {
    const running = this.#running.get(dir);
    if (running !== undefined) return running;
    const repairing = this.#repair(dir, mayMake)
      .catch((error: unknown) => {
        if (error instanceof MamError) throw error;
        this.#store.log.error(`the registry ${dir} was not repaired`, error);
        return false;
      })
      .finally(() => this.#running.delete(dir));
    this.#running.set(dir, repairing);
    return repairing;
  }

  /** The same without its errors, which are only logged. */
  tryRepair(dir: string, mayMake = true): void {
    void this.repair(dir, mayMake).catch(() => {});
  }

  /** A request names a registry: jobs that were moved there continue. @throws MamError as `repair` */
  async arrive(dir: string): Promise<void> {
    const lost = this.#store.registries.lostAs(dir);
    if (lost === undefined) return;
    await this.#store.registries.move(lost, dir);
    this.#follow(lost, dir);
    await this.#repairJobs(dir, { to: dir });
  }

  async #repair(dir: string, mayMake: boolean): Promise<boolean> {
    const how = await this.#store.registries.repair(dir, mayMake);
    if (how === undefined) return false;
    const to = typeof how === 'object' ? how.to : dir;
    if (to !== dir) this.#follow(dir, to);
    return (await this.#repairJobs(to, how)) || how !== 'same';
  }

  /** @returns true when the files of a job were repaired */
  async #repairJobs(dir: string, how: string | object): Promise<boolean> {
    const { jobs, registries, log } = this.#store;
    const isOther = how !== 'same' && how !== 'taken';
    let isRepaired = false;
    for (const job of jobs.in(dir)) {
      if (isFinal(job.record.status) && isOther) {
        if (!job.isThere) this.#removal.drop(job);
        continue;
      }
      const { isReplaced } = job;
      const isLost = isOther || isReplaced ? isCut(job) : isTakenOut(job);
      if (!isLost && !isOther && !isReplaced) continue;
      // The folder may have been copied during a write.
      if (existsSync(job.paths.folder)) sweepJob(job.paths.folder);
      if (isLost) {
        log.warn(`the files of ${job.id} were removed, or are an old copy: they are recreated`);
        const lost = await job.restore();
        if (lost !== undefined) log.error(lost);
      } else await job.reopen();
      isRepaired = true;
      registries.place(job);
    }
    return isRepaired;
  }

  #follow(from: string, to: string): void {
    const { home, jobs, pointers, registries, log } = this.#store;
    log.warn(`the registry ${from} was moved: its jobs continue in ${to}`);
    moveNotes(home, from, to);
    for (const job of jobs.in(from)) {
      job.moveTo(to);
      registries.place(job);
      pointers.renew(job);
    }
  }
}

/** True for a job of which only the journal was removed or moved away. */
export function isTakenOut(job: LiveJob): boolean {
  return !job.isThere && existsSync(job.paths.folder);
}

/** True for a job whose files are missing or incomplete; files that someone else has put there are left alone. */
function isCut({ standing }: LiveJob): boolean {
  return standing === 'gone' || standing === 'behind';
}
