import { closeSync, existsSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { isHistory } from '../../job/history.ts';
import { isFinal } from '../../job/words.ts';
import { sweepRegistry } from '../../registry/files.ts';
import { addRegistry, type Home, readRegistries } from '../../registry/home.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { noteJobs } from '../../registry/known-jobs.ts';
import { type HeldLock, takeLock, thisOwner } from '../../registry/lock.ts';
import { projectFolderOf, renamedTo } from '../../registry/moved.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import {
  ensureRegistry,
  hasJob,
  inodeAt,
  isRealRegistry,
  lockPath,
  realRegistry,
  registryError,
} from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import { emptyTrash } from '../../registry/trash.ts';
import type { LiveJob } from './live-job.ts';

/**
 * Long enough for an election whose hub was killed to be stale. Who can write in a project can hold one for ever: the
 * others must not wait for it.
 */
const ELECTION_TRIES = 75;

/** A registry folder that this hub writes. */
interface OpenRegistry {
  dir: string;
  place: OwnPlace;
  lock: HeldLock;
  /** Settles when what a hub has left that was killed is removed. */
  swept: Promise<void>;
  /** The heartbeat of the lock goes on. */
  isBeating: boolean;
  /** Of its folder. */
  inode: number;
  /** The owner's file, open while there are jobs: once it has no name, the registry was removed and is not away. */
  proof: number | undefined;
  takingAgain: Promise<void> | undefined;
  /** Why it can't be taken again: another hub has it now. */
  taken: MamError | undefined;
  /** Why it could not be taken again last. */
  why: string | undefined;
  /** The list of its jobs; read only once somebody has asked for it. */
  index: JobIndex | undefined;
  indexing: Promise<JobIndex> | undefined;
}

interface Parts {
  home: Home;
  seal: Seal;
  log: Log;
  jobsIn: (dir: string) => LiveJob[];
  onBehind: (dir: string, jobId: string) => Promise<void>;
  onLoose: (dir: string) => void;
}

/** The registry folders that this hub writes: each is locked, and has a list of its jobs. */
export class OpenRegistries {
  readonly #with: Parts;
  readonly #opening = new Map<string, Promise<OpenRegistry>>();
  readonly #opened: OpenRegistry[] = [];
  /** Where registries lie now that were moved, by where they lay. */
  readonly #moved = new Map<string, string>();

  /**
   * @param jobsIn the jobs of a registry that are in memory
   * @param onBehind called for a job whose `job.json` was found behind its journal
   * @param onLoose called for a registry that this hub has not locked any more: to be mended
   */
  constructor(parts: Parts) {
    this.#with = parts;
  }

  get dirs(): string[] {
    return this.#opened.map(({ dir }) => dir);
  }

  /**
   * The one name of a registry here, by whatever path it is named: a second lock on it would take away the first.
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
  async open(dir: string): Promise<void> {
    await this.#registry(dir);
  }

  /** Makes a registry anew whose folder somebody has removed. @throws MamError as `open` */
  async openAnew(dir: string): Promise<void> {
    const gone = await this.#registry(dir);
    const place = this.#opened.indexOf(gone);
    // Of two requests at once the first one does it.
    if (place < 0) return this.open(dir);
    this.#opened.splice(place, 1);
    letGo(gone);
    await this.#begin(
      dir,
      gone.lock.release().then(() => this.#take(dir)),
    );
  }

  /** The list of a registry's jobs. @throws MamError as `open` */
  async index(dir: string): Promise<JobIndex> {
    const registry = await this.#registry(dir);
    registry.indexing ??= this.#loadIndex(registry).catch((error) => {
      registry.indexing = undefined;
      throw registryError(dir, error);
    });
    return registry.indexing;
  }

  /** Takes a job's present state into the list, where there is one yet. */
  list({ registryDir, record, mark }: LiveJob): void {
    this.#listOf(registryDir)?.put(record, mark);
  }

  /** Takes a job out of the list. */
  unlist(dir: string, jobId: string): void {
    this.#listOf(dir)?.remove(new Set([jobId]));
  }

  /** Writes the lists and gives the registries back. */
  async close(): Promise<void> {
    for (const registry of this.#opened) letGo(registry);
    for (const { index, lock } of this.#opened) {
      await index?.write();
      await lock.release();
    }
  }

  /**
   * Before each write.
   * @param isOpen the file is: what was put aside as a whole, with its lock, can be written all the same
   * @throws the system's error EOWNERDEAD while the lock is not this hub's; MamError `conflict` when it is another's
   */
  check(dir: string, isOpen: boolean): void {
    const registry = this.#find(dir);
    if (registry === undefined || registry.lock.holds()) return;
    if (registry.taken !== undefined) throw registry.taken;
    const isAside = registry.proof !== undefined && !isRemovedFile(registry.proof);
    if (isOpen && isAside && !this.#isCopied(registry, true)) return;
    throw Object.assign(new Error(`the lock of ${dir} was removed`), { code: 'EOWNERDEAD' });
  }

  /** Why a registry can't be written that this hub had, while another one has it. */
  takenBy(dir: string): string | undefined {
    return this.#find(dir)?.taken?.message;
  }

  /** Every second: finds locks that were lost. @param inUse the registries with open jobs */
  look(inUse: ReadonlySet<string>): void {
    for (const registry of this.#opened) {
      this.#hold(registry, inUse.has(registry.dir));
      if (!registry.isBeating || !registry.lock.holds()) this.#with.onLoose(registry.dir);
    }
  }

  /**
   * Mends what keeps a registry from being written.
   * @param mayMake one that was removed is made anew
   * @returns `same` when nothing was wrong here, `taken` when its lock is there again, `anew` when it was removed and is
   * made anew, `copied` when a copy of it stands in its place and is taken for it, its new place when it was moved, nothing
   * when it is away
   * @throws MamError as `open`
   */
  async mend(
    dir: string,
    mayMake: boolean,
  ): Promise<'same' | 'taken' | 'anew' | 'copied' | { to: string } | undefined> {
    const registry = this.#find(dir);
    if (registry === undefined) return undefined;
    const inode = inodeAt(dir);
    if (inode === registry.inode) {
      if (registry.isBeating && registry.lock.holds()) return 'same';
      // Somebody is removing all of it.
      const open = this.#openIn(dir);
      if (!mayMake && open.length > 0 && !open.some((job) => job.isThere)) return undefined;
      await this.#takeAgain(registry);
      return 'taken';
    }
    const to = this.#isCopied(registry, mayMake) ? undefined : this.#movedTo(registry);
    if (to !== undefined) {
      await this.move(dir, to);
      return { to };
    }
    // Another folder in its place, as where a disk was unmounted, is left alone.
    if (this.#isCopied(registry, mayMake)) {
      await this.#takeAgain(registry);
      Object.assign(registry, { index: undefined, indexing: undefined });
      return 'copied';
    }
    if (!mayMake || !isRemovedFile(registry.proof) || !existsSync(projectFolderOf(dir))) return undefined;
    await this.openAnew(dir);
    return 'anew';
  }

  /** Goes on with a registry where it lies now. @throws MamError as `open`; then all is as it was */
  async move(from: string, to: string): Promise<void> {
    const registry = this.#find(from);
    await this.open(to);
    this.#moved.delete(to);
    this.#moved.set(from, to);
    if (registry === undefined) return;
    this.#opened.splice(this.#opened.indexOf(registry), 1);
    this.#opening.delete(from);
    letGo(registry);
    await registry.lock.leave();
  }

  /** Where a registry lies now that is not in its place. Of two that have changed places the next hub finds both. */
  #movedTo(registry: OpenRegistry): string | undefined {
    const to = placeOf(registry);
    if (to === undefined || (this.#find(to) !== undefined && !this.isHeld(to))) return undefined;
    const open = this.#openIn(registry.dir);
    return open.length === 0 || open.some(({ id }) => hasJob(to, id)) ? to : undefined;
  }

  /** True while a registry is this hub's. */
  isHeld(dir: string): boolean {
    return this.#find(dir)?.lock.holds() === true;
  }

  /** The registry that lies in this folder now: the very folder of it, or one with its jobs, where its project is gone. */
  lostAs(dir: string): string | undefined {
    const inode = inodeAt(dir);
    const hasJobs = (from: string) => this.#openIn(from).some(({ id }) => hasJob(dir, id));
    return this.#opened.find((one) => {
      if (inode === undefined || one.dir === dir) return false;
      if (one.inode === inode) return inodeAt(one.dir) !== inode && this.#find(dir) === undefined;
      if (inodeAt(one.dir) !== undefined) return false;
      return isRemovedFile(one.proof) && !existsSync(projectFolderOf(one.dir)) && hasJobs(one.dir);
    })?.dir;
  }

  /**
   * True when another folder in a registry's place has its jobs: a copy, or what was restored from one. Where none is open,
   * what a hub has left there shows it, or that it is to be written now.
   */
  #isCopied({ dir, inode }: OpenRegistry, isWanted: boolean): boolean {
    const there = inodeAt(dir);
    if (there === undefined || there === inode || !isRealRegistry(dir)) return false;
    const open = this.#openIn(dir);
    if (open.length === 0) return isWanted || existsSync(`${lockPath(dir)}.owner`);
    return open.some(({ standing }) => standing === 'whole' || standing === 'behind');
  }

  #openIn(dir: string): LiveJob[] {
    return this.#with.jobsIn(dir).filter((job) => !isFinal(job.record.status));
  }

  /** A registry has an open job: whether it is removed or away must be known. */
  keepProof(dir: string): void {
    const registry = this.#find(dir);
    if (registry !== undefined) this.#hold(registry, true);
  }

  /** Keeps hold of what proves that a registry was removed, where that is needed: it keeps a disk from being unmounted. */
  #hold(registry: OpenRegistry, isNeeded: boolean): void {
    if (isNeeded === (registry.proof !== undefined)) return;
    if (!isNeeded) {
      letGo(registry);
      return;
    }
    try {
      if (registry.lock.holds()) registry.proof = openSync(`${lockPath(registry.dir)}.owner`, 'r');
    } catch {
      // Without it, a registry that is missing counts as away.
    }
  }

  async #takeAgain(registry: OpenRegistry): Promise<void> {
    registry.takingAgain ??= this.#lock(registry.dir)
      .then((lock) => {
        letGo(registry);
        const wasTaken = registry.taken !== undefined;
        const inode = inodeAt(registry.dir) ?? 0;
        Object.assign(registry, { lock, inode, isBeating: true, taken: undefined, why: undefined });
        // The other hub has written there.
        if (wasTaken) Object.assign(registry, { index: undefined, indexing: undefined });
        this.#hold(registry, true);
      })
      .catch((error: unknown) => {
        registry.taken = error instanceof MamError && error.code === 'conflict' ? error : undefined;
        const why = explain(error);
        if (registry.why !== why)
          this.#with.log.error(`the lock of ${registry.dir} was not taken again: ${why}`);
        registry.why = why;
        throw error;
      })
      .finally(() => {
        registry.takingAgain = undefined;
      });
    await registry.takingAgain;
  }

  /** A heartbeat has failed: the next look takes the lock again, where the registry is there and no other hub has it. */
  #failed(dir: string): void {
    const registry = this.#find(dir);
    if (registry !== undefined) registry.isBeating = false;
  }

  #find(dir: string): OpenRegistry | undefined {
    return this.#opened.find((registry) => registry.dir === dir);
  }

  #listOf(dir: string): JobIndex | undefined {
    return this.#find(dir)?.index;
  }

  async #loadIndex(registry: OpenRegistry): Promise<JobIndex> {
    // The list is written by a file of the same kind.
    await registry.swept;
    const index = await JobIndex.load(registry.dir, this.#with.seal, () => this.check(registry.dir, false));
    // What happened while it was read.
    for (const { record, mark } of this.#with.jobsIn(registry.dir)) index.put(record, mark);
    registry.index = index;
    const own = [...index.inOrder()].filter((row) => !isHistory(row)).map(({ job_id: id }) => id);
    noteJobs(this.#with.home, registry.dir, own, registry.inode);
    void this.#catchUp(registry.dir, index.behind);
    return index;
  }

  async #catchUp(dir: string, jobIds: string[]): Promise<void> {
    for (const id of jobIds) {
      await this.#with
        .onBehind(dir, id)
        .catch((error) => this.#with.log.error(`job ${id} was not read`, error));
      await nextTurn();
    }
  }

  async #registry(named: string): Promise<OpenRegistry> {
    const dir = this.nameOf(named);
    const registry = await (this.#opening.get(dir) ?? this.#begin(dir, this.#take(dir)));
    if (registry.taken !== undefined) throw registry.taken;
    try {
      registry.place.check();
    } catch (error) {
      throw registryError(dir, error);
    }
    return registry;
  }

  #begin(dir: string, opening: Promise<OpenRegistry>): Promise<OpenRegistry> {
    this.#opening.set(dir, opening);
    // A registry that could not be opened may be mended: the next request tries again.
    opening.catch(() => this.#opening.delete(dir));
    return opening;
  }

  async #lock(dir: string): Promise<HeldLock> {
    let lock: Awaited<ReturnType<typeof takeLock>>;
    try {
      lock = await takeLock(
        lockPath(dir),
        thisOwner(this.#with.home.folder),
        () => this.#failed(dir),
        ELECTION_TRIES,
      );
    } catch (error) {
      throw registryError(dir, error);
    }
    if ('heldBy' in lock) {
      throw new MamError(
        'conflict',
        `The registry ${dir} is being written by another hub (process ${lock.heldBy.pid}, MAM_HOME ${lock.heldBy.what}).`,
        'Use the same MAM_HOME as it, or set MAM_REGISTRY_DIR to another folder.',
      );
    }
    return lock;
  }

  async #take(dir: string): Promise<OpenRegistry> {
    ensureRegistry(dir);
    const lock = await this.#lock(dir);
    try {
      if (!readRegistries(this.#with.home).includes(dir)) await addRegistry(this.#with.home, dir);
    } catch (error) {
      await lock.release();
      throw error;
    }
    const registry: OpenRegistry = {
      dir,
      place: new OwnPlace(dir),
      lock,
      swept: sweepRegistry(dir).catch((error) => this.#with.log.error(`${dir} was not swept`, error)),
      isBeating: true,
      inode: inodeAt(dir) ?? 0,
      proof: undefined,
      takingAgain: undefined,
      taken: undefined,
      why: undefined,
      index: undefined,
      indexing: undefined,
    };
    this.#opened.push(registry);
    // What a hub that was killed while it pruned has left.
    void emptyTrash(dir).catch((error) => this.#with.log.error(`the trash of ${dir} was not emptied`, error));
    return registry;
  }
}

/** Where a registry lies now whose project was moved, if that can be seen. */
function placeOf({ dir, inode, proof }: OpenRegistry): string | undefined {
  try {
    // Where the system has such a view of open files, it is found wherever it was moved.
    const open = proof === undefined ? undefined : dirname(readlinkSync(`/proc/self/fd/${proof}`));
    const name = dir.slice(projectFolderOf(dir).length);
    if (open?.endsWith(name) === true && inodeAt(open) === inode) return open;
  } catch {
    // Else only in the same folder.
  }
  return renamedTo(dir, inode);
}

function isRemovedFile(fd: number | undefined): boolean {
  return fd !== undefined && fstatSync(fd).nlink === 0;
}

function letGo(registry: OpenRegistry): void {
  if (registry.proof !== undefined) closeSync(registry.proof);
  registry.proof = undefined;
}
