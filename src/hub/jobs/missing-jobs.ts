import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import type { Saying } from '../../job/event.ts';
import type { JobRecord } from '../../job/record.ts';
import type { AwayRegistry } from '../../operations/housekeeping.ts';
import {
  awayError,
  awayListError,
  inodeOf,
  isAway,
  journalGoneError,
  shutError,
} from '../../registry/away.ts';
import { sweepHalfMade } from '../../registry/half-made.ts';
import { proofError } from '../../registry/history.ts';
import type { Pointer } from '../../registry/home.ts';
import { forgetJob, moveNotes } from '../../registry/known-jobs.ts';
import { isMovedTo, renamedTo } from '../../registry/moved.ts';
import { hasJob, inodeAt, projectFolderOf, whereIs } from '../../registry/paths.ts';
import { registriesOf } from './away-jobs.ts';
import { mayPass } from './held-events.ts';
import type { LiveJob } from './live-job.ts';
import type { Loader } from './loader.ts';
import type { Removal } from './removal.ts';
import type { Repair } from './repair.ts';
import { Search } from './search.ts';
import { isMissing, pointerOf, type Store } from './store.ts';

/** The live jobs that the last hub left, and those whose registry is away: taken up once they are available. */
export class MissingJobs {
  readonly #with;
  readonly #store: Store;
  /** Searches for open jobs that nothing points to. */
  readonly search: Search;

  constructor(store: Store, parts: { loader: Loader; removal: Removal; repair: Repair }) {
    this.#with = parts;
    this.#store = store;
    this.search = new Search(store, async (registryDir, jobId) => {
      if (store.jobs.has(jobId) || store.away.has(jobId)) return;
      await parts.loader
        .load(registryDir, jobId)
        .catch((error: unknown) => this.#waitFor({ jobId, registryDir }, error));
    });
  }

  /** True while jobs of the last hub wait to be taken up. */
  get hasWork(): boolean {
    return this.#store.away.size > 0 || this.search.isWaiting;
  }

  /**
   * Takes up a job that was live when the last hub ended.
   * @returns undefined for one that is gone, can't be read or is away: `comeBack` may return it later
   */
  resume(pointer: Pointer): Promise<LiveJob | undefined> {
    return this.#resume(pointer).catch((error: unknown) => {
      this.#store.log.error(`job ${pointer.jobId} was not taken up`, error);
      return undefined;
    });
  }

  async #resume(pointer: Pointer): Promise<LiveJob | undefined> {
    const { away, home, jobs, log, pointers, unproven } = this.#store;
    const { jobId, registryDir } = pointer;
    const inode = inodeOf(pointer);
    // A pointer without the inode of the registry's folder is rewritten, with it. Somebody may have asked for the job before:
    // then it has a pointer, or has ended since and needs none.
    if (inode !== undefined && !jobs.has(jobId)) pointers.adopt(jobId);
    const where = whereIs(registryDir, jobId, inode);
    const moved = where === 'away' && inode !== undefined ? renamedTo(registryDir, inode) : undefined;
    if (moved !== undefined && hasJob(moved, jobId)) {
      const job = await this.#resume({ ...pointer, registryDir: moved });
      if (job !== undefined) pointers.renew(job);
      moveNotes(home, registryDir, moved);
      return job;
    }
    // What this hub itself has put into an empty folder since then proves nothing.
    const wasAway = inode === undefined && away.isAway(jobId);
    if (where === 'cut' || where === 'away' || (where === 'gone' && wasAway)) {
      away.put(pointer, where === 'cut' ? journalGoneError(registryDir, jobId) : shutError(pointer));
      return undefined;
    }
    sweepHalfMade(registryDir, jobId);
    if (where === 'gone' || !hasJob(registryDir, jobId)) return this.#forget(jobId);
    try {
      const job = jobs.get(jobId) ?? (await this.#with.loader.load(registryDir, jobId, pointer));
      this.#with.loader.claim(job);
      away.delete(jobId);
      if (!job.isHistory) return job;
      log.error(`job ${jobId} was not taken up`, proofError(jobId, home.key));
      unproven.set(jobId, pointer);
      pointers.adopt(jobId);
      return undefined;
    } catch (error) {
      // Its journal has nothing in it.
      if (error instanceof MamError && error.code === 'not_found') return this.#forget(jobId);
      this.#waitFor(pointer, error);
      return undefined;
    }
  }

  /** The jobs that were away and are back, and those that were found without a pointer, each once. */
  async comeBack(): Promise<LiveJob[]> {
    const { away, log } = this.#store;
    await this.search.again();
    const back = this.#with.loader.takeStrays();
    if (back.length > 0) log.warn(`${back.length} open jobs were found that nothing pointed to`);
    for (const pointer of away.due) {
      const job = await this.resume(pointer);
      if (job !== undefined) back.push(job);
    }
    return back;
  }

  /**
   * A request names a registry: the jobs of a registry that was moved there continue.
   * @throws MamError `io` when it can't be written, `conflict` when another hub does
   */
  async arrive(dir: string): Promise<void> {
    const { loader, repair } = this.#with;
    const { away, log, pointers } = this.#store;
    await repair.arrive(dir);
    for (const pointer of away.pointers) {
      if (pointer.registryDir === dir || !isMovedTo(pointer, dir)) continue;
      log.warn(`the registry of ${pointer.jobId} was moved to ${dir}: it continues there`);
      const note = { ...(pointer.note as object | undefined), inode: inodeAt(dir) };
      const moved = { ...pointer, registryDir: dir, note };
      away.put(moved);
      const job = await loader.load(dir, pointer.jobId, moved);
      if (!job.isHistory) pointers.renew(job);
    }
  }

  /**
   * Gives up a live job whose registry or proof is missing: it is no longer waited for.
   * @returns the registry that it was in, and its last record if known; undefined for a job that is not away
   */
  giveUp(jobId: string, more: Saying<'cancelled'>): { registryDir: string; record?: JobRecord } | undefined {
    const { away, home, jobs, log, unproven } = this.#store;
    const job = jobs.get(jobId);
    if (job !== undefined && isMissing(job) && !job.isFinal) {
      this.#with.removal.drop(job, more);
      forgetJob(home, job.registryDir, jobId);
      return { registryDir: job.registryDir, record: job.record };
    }
    const pointer = (away.isAway(jobId) ? away.get(jobId)?.pointer : undefined) ?? unproven.get(jobId);
    if (pointer === undefined) return undefined;
    log.warn(`${jobId} is given up: it cannot be continued from ${pointer.registryDir}`);
    unproven.delete(jobId);
    this.#forget(jobId);
    forgetJob(home, pointer.registryDir, jobId);
    return pointer;
  }

  /** Live jobs that nothing proves any more, because the key of this home was lost. */
  get unproven(): string[] {
    return [...this.#store.unproven.keys()];
  }

  /** Registries with live jobs that can't be written or read now. */
  get registries(): AwayRegistry[] {
    const { away, jobs, registries } = this.#store;
    const held = jobs.unfinished.flatMap((job) => {
      const why = registries.takenBy(job.registryDir);
      return isMissing(job) || why !== undefined ? [{ ...pointerOf(job), why }] : [];
    });
    return [...away.registries, ...registriesOf(held)];
  }

  /** @throws MamError `io` for a registry with jobs that is away now. @param isEmpty the folder at its path has none */
  checkThere(registryDir: string, isEmpty = false): void {
    this.checkAway(registryDir);
    const { home, jobs } = this.#store;
    const inode = inodeAt(registryDir);
    const open = jobs.in(registryDir).find((job) => !job.isFinal && job.registryInode !== inode);
    if (open !== undefined) throw awayError(pointerOf(open));
    const away = awayListError(home, registryDir, isEmpty);
    if (away !== undefined) throw away;
  }

  /** The same for one that the last hub left: opening it would create a new one. */
  checkAway(registryDir: string): void {
    const { away, home } = this.#store;
    const pointer = away.pointers.find((one) => one.registryDir === registryDir && isAway(one));
    if (pointer !== undefined) throw awayError(pointer);
    // The project itself is missing: a new registry would hide the one that comes back.
    const isThere = existsSync(projectFolderOf(registryDir));
    const gone = isThere ? undefined : awayListError(home, registryDir, true);
    if (gone !== undefined) throw gone;
  }

  /** Retries a job that can't be read now. @throws an error that will not go away by itself */
  #waitFor(pointer: Pointer, error: unknown): void {
    if (!(error instanceof MamError) || !(mayPass(error) || error.code === 'unavailable')) throw error;
    this.#store.away.put(pointer, error);
  }

  #forget(jobId: string): undefined {
    const { away, outlets, pointers } = this.#store;
    away.delete(jobId);
    pointers.adopt(jobId);
    pointers.remove(jobId);
    outlets.clear(jobId);
    return undefined;
  }
}
