import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isSamePlace } from '../../base/real-place.ts';
import { isHistory } from '../../job/history.ts';
import type { Sources } from '../../registry/index-row.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { noteJobs } from '../../registry/known-jobs.ts';
import { presentMark } from '../../registry/mark.ts';
import {
  hasJob,
  inodeAt,
  isRealRegistry,
  lockPath,
  projectFolderOf,
  realRegistry,
  registryError,
} from '../../registry/paths.ts';
import type { LiveJob } from './live-job.ts';
import { OpenRegistry } from './open-registry.ts';
import type { Store } from './store.ts';

/** How long after the first change of a job a registry's list is read, in ms: not while jobs are being delegated to. */
const LIST_DELAY_MS = 1_000;

/** The registry folders that this hub writes: each is locked and has a list of its jobs. */
export class OpenRegistries {
  readonly #with;
  readonly #opening = new Map<string, Promise<OpenRegistry>>();
  readonly #opened: OpenRegistry[] = [];
  /** The new places of registries that were moved, by the old ones. */
  readonly #moved = new Map<string, string>();
  /** Called for a job whose `job.json` was found behind its journal. */
  onBehind: (dir: string, jobId: string) => Promise<void> = async () => {};
  /** Called for a registry whose lock this hub has lost, which must be repaired. */
  onLoose: (dir: string) => void = () => {};

  constructor(parts: Pick<Store, 'home' | 'seal' | 'log' | 'jobs'>) {
    this.#with = parts;
  }

  get dirs(): string[] {
    return this.#opened.map(({ dir }) => dir);
  }

  /**
   * The one name of a registry, by whatever path it is named: a second lock on it would take away the first.
   * @param dir absolute
   */
  nameOf(dir: string): string {
    if (this.#opening.has(dir)) return dir;
    const moved = this.#moved.get(dir);
    if (moved !== undefined && !existsSync(projectFolderOf(dir))) return this.nameOf(moved);
    const real = realRegistry(dir);
    if (this.#opening.has(real) || !isRealRegistry(real)) return real;
    return [...this.#opening.keys()].find((known) => isSamePlace(known, real)) ?? real;
  }

  /** Takes a registry for writing. @throws MamError `io` when it can't be written, `conflict` when another hub does */
  async open(named: string): Promise<OpenRegistry> {
    const dir = this.nameOf(named);
    const registry = await (this.#opening.get(dir) ?? this.#begin(dir));
    if (registry.taken !== undefined) throw registry.taken;
    try {
      registry.place.check();
    } catch (error) {
      throw registryError(dir, error);
    }
    return registry;
  }

  /** Recreates a registry whose folder was removed. @throws MamError as `open` */
  async openAnew(dir: string): Promise<OpenRegistry> {
    const gone = await this.open(dir);
    const place = this.#opened.indexOf(gone);
    // Of two concurrent requests, the first one does it.
    if (place < 0) return this.open(dir);
    this.#opened.splice(place, 1);
    gone.dropProof();
    return this.#begin(dir, gone.lock.release());
  }

  /** The list of a registry's jobs. @throws MamError as `open` */
  async index(dir: string): Promise<JobIndex> {
    const registry = await this.open(dir);
    registry.indexing ??= this.#loadIndex(registry).catch((error) => {
      registry.indexing = undefined;
      throw registryError(dir, error);
    });
    return registry.indexing;
  }

  /** Updates a job's row, if the list has been read; otherwise the list is read soon. */
  list(job: LiveJob): void {
    const { registryDir, record } = job;
    const registry = this.#find(registryDir);
    registry?.index?.put(record, sourcesOf(job));
    if (registry === undefined || registry.index !== undefined || registry.willBeListed) return;
    // Without the list on disk, `mam list` and `mam status --short` would have to read every journal.
    registry.willBeListed = true;
    setTimeout(() => void this.index(registryDir).catch(() => {}), LIST_DELAY_MS).unref();
  }

  unlist(dir: string, jobId: string): void {
    this.#find(dir)?.index?.remove(new Set([jobId]));
  }

  /** Writes the lists and releases the registries. */
  async close(): Promise<void> {
    for (const registry of this.#opened) registry.dropProof();
    for (const registry of this.#opened) {
      await registry.index?.write();
      await registry.lock.release();
    }
  }

  /**
   * Checks that a registry may be written, before each write.
   * @param isOpen true if the file is open: a registry that was moved away with its lock can still be written
   * @throws the system's error EOWNERDEAD while the lock is not this hub's; MamError `conflict` when another hub has it
   */
  check(dir: string, isOpen: boolean): void {
    const registry = this.#find(dir);
    if (registry === undefined || registry.isHeld) return;
    if (registry.taken !== undefined) throw registry.taken;
    if (isOpen && registry.isSomewhere && !this.#isCopied(registry, true)) return;
    throw Object.assign(new Error(`the lock of ${dir} was removed`), { code: 'EOWNERDEAD' });
  }

  /** Why a registry that this hub had can't be written, while another hub has it. */
  takenBy(dir: string): string | undefined {
    return this.#find(dir)?.taken?.message;
  }

  /** Every second: finds locks that were lost. @param inUse the registries with open jobs */
  checkLocks(inUse: ReadonlySet<string>): void {
    for (const registry of this.#opened) {
      registry.keepProof(inUse.has(registry.dir));
      if (!registry.isSound) this.onLoose(registry.dir);
    }
  }

  /**
   * Repairs what keeps a registry from being written.
   * @param mayMake whether to recreate one that was removed
   * @returns `same` when nothing was wrong here, `taken` when its lock was taken again, `anew` when it was recreated,
   * `copied` when a copy at its path was adopted, its new place when it was moved, undefined when it is away
   * @throws MamError as `open`
   */
  async repair(
    dir: string,
    mayMake: boolean,
  ): Promise<'same' | 'taken' | 'anew' | 'copied' | { to: string } | undefined> {
    const registry = this.#find(dir);
    if (registry === undefined) return undefined;
    const inode = inodeAt(dir);
    if (inode === registry.inode) {
      if (registry.isSound) return 'same';
      // The whole registry is being removed.
      const open = this.#with.jobs.openIn(dir);
      if (!mayMake && open.length > 0 && !open.some((job) => job.isThere)) return undefined;
      await registry.takeAgain();
      return 'taken';
    }
    const to = this.#isCopied(registry, mayMake) ? undefined : this.#movedTo(registry);
    if (to !== undefined) {
      await this.move(dir, to);
      return { to };
    }
    // Another folder at its path, such as the mount point of an unmounted disk, is left alone.
    if (this.#isCopied(registry, mayMake)) {
      await registry.takeAgain();
      registry.dropIndex();
      return 'copied';
    }
    if (!mayMake || !registry.isRemoved || !existsSync(projectFolderOf(dir))) return undefined;
    await this.openAnew(dir);
    return 'anew';
  }

  /** Continues with a registry in its new place. @throws MamError as `open`; then nothing has changed */
  async move(from: string, to: string): Promise<void> {
    const registry = this.#find(from);
    await this.open(to);
    this.#moved.delete(to);
    this.#moved.set(from, to);
    if (registry === undefined) return;
    this.#opened.splice(this.#opened.indexOf(registry), 1);
    this.#opening.delete(from);
    registry.dropProof();
    await registry.lock.leave();
  }

  /** The new place of a registry that was moved. If two have changed places, the next hub finds both. */
  #movedTo(registry: OpenRegistry): string | undefined {
    const to = registry.newPlace;
    if (to === undefined || (this.#find(to) !== undefined && !this.isHeld(to))) return undefined;
    const open = this.#with.jobs.openIn(registry.dir);
    return open.length === 0 || open.some(({ id }) => hasJob(to, id)) ? to : undefined;
  }

  isHeld(dir: string): boolean {
    return this.#find(dir)?.isHeld === true;
  }

  /** The missing registry that this folder holds now: the same folder, or one with its jobs when its project is gone. */
  lostAs(dir: string): string | undefined {
    const inode = inodeAt(dir);
    const hasJobs = (from: string) => this.#with.jobs.openIn(from).some(({ id }) => hasJob(dir, id));
    return this.#opened.find((one) => {
      if (inode === undefined || one.dir === dir) return false;
      if (one.inode === inode) return inodeAt(one.dir) !== inode && this.#find(dir) === undefined;
      if (inodeAt(one.dir) !== undefined) return false;
      return one.isRemoved && !existsSync(projectFolderOf(one.dir)) && hasJobs(one.dir);
    })?.dir;
  }

  /**
   * True when another folder at a registry's path has its jobs: a copy, or what was restored from one. If no job is open,
   * it is one when a hub has left its lock there, or when the registry must be written now.
   */
  #isCopied({ dir, inode }: OpenRegistry, isWanted: boolean): boolean {
    const there = inodeAt(dir);
    if (there === undefined || there === inode || !isRealRegistry(dir)) return false;
    const open = this.#with.jobs.openIn(dir);
    if (open.length === 0) return isWanted || existsSync(`${lockPath(dir)}.owner`);
    return open.some(({ standing }) => standing === 'whole' || standing === 'behind');
  }

  /** Notes where a writable job is: later this shows whether its registry was removed or is away. */
  place(job: LiveJob): void {
    job.registryInode = inodeAt(job.registryDir);
    this.#find(job.registryDir)?.keepProof(true);
  }

  #find(dir: string): OpenRegistry | undefined {
    return this.#opened.find((registry) => registry.dir === dir);
  }

  async #loadIndex(registry: OpenRegistry): Promise<JobIndex> {
    // A sweep would remove the temporary file of a list that is being written.
    await registry.swept;
    const index = await JobIndex.load(registry.dir, this.#with.seal, () => this.check(registry.dir, false));
    // Changes that happened during the read.
    for (const job of this.#with.jobs.in(registry.dir)) index.put(job.record, sourcesOf(job));
    registry.index = index;
    const own = [...index.inOrder()].filter((row) => !isHistory(row)).map(({ job_id: id }) => id);
    noteJobs(this.#with.home, registry.dir, own, registry.inode);
    void this.#catchUp(registry.dir, index.behind);
    return index;
  }

  async #catchUp(dir: string, jobIds: string[]): Promise<void> {
    for (const id of jobIds) {
      await this.onBehind(dir, id).catch((error) => this.#with.log.error(`job ${id} was not read`, error));
      await nextTurn();
    }
  }

  /** @param freed settles when the lock of the registry that was there is released */
  #begin(dir: string, freed?: Promise<void>): Promise<OpenRegistry> {
    const opening = (async () => {
      if (freed !== undefined) await freed;
      const registry = await OpenRegistry.take(dir, this.#with.home, this.#with.log);
      this.#opened.push(registry);
      return registry;
    })();
    this.#opening.set(dir, opening);
    // A registry that could not be opened may be repaired later: the next request tries again.
    opening.catch(() => this.#opening.delete(dir));
    return opening;
  }
}

function sourcesOf({ mark, paths, replica }: LiveJob): Sources {
  return { journal: mark, ...(replica && { replica: presentMark(paths.replica) }) };
}
