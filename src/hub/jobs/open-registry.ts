import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { orElse } from '../../base/or-else.ts';
import { sweepRegistry } from '../../registry/files.ts';
import { addRegistry, type Home, readRegistries } from '../../registry/home.ts';
import type { JobIndex } from '../../registry/job-index.ts';
import { type HeldLock, takeLock, thisOwner } from '../../registry/lock.ts';
import { renamedTo } from '../../registry/moved.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import { ensureRegistry, inodeAt, lockPath, projectFolderOf, registryError } from '../../registry/paths.ts';
import { emptyTrash } from '../../registry/trash.ts';

/**
 * Long enough for a killed hub's election to become stale. Anyone who can write in a project can hold one forever, and
 * other registries must not wait for it.
 */
const ELECTION_TRIES = 75;

/** A registry folder that this hub writes: its lock, and the proof of what happens to the folder. */
export class OpenRegistry {
  readonly dir: string;
  readonly place: OwnPlace;
  /** Settles when the leftovers of a killed hub are removed. */
  readonly swept: Promise<void>;
  /** The inode of its folder. */
  inode: number;
  /** Set when it can't be taken again, because another hub has it now. */
  taken: MamError | undefined;
  /** The list of its jobs; read when it is first asked for, and soon after a job has changed. */
  index: JobIndex | undefined;
  willBeListed = false;
  indexing: Promise<JobIndex> | undefined;
  lock: HeldLock;
  readonly #home: Home;
  readonly #log: Log;
  /** True while the lock's heartbeat works. */
  #isBeating = true;
  /** The open owner's file, while there are jobs: once it is unlinked, the registry was removed and is not just away. */
  #proof: number | undefined;
  /** Why the last attempt to take it again failed. */
  #why: string | undefined;

  private constructor(dir: string, lock: HeldLock, home: Home, log: Log) {
    this.dir = dir;
    this.place = new OwnPlace(dir);
    this.inode = inodeAt(dir) ?? 0;
    this.swept = sweepRegistry(dir).catch((error) => log.error(`${dir} was not swept`, error));
    this.#home = home;
    this.#log = log;
    this.lock = lock;
  }

  /** Takes a registry for writing. @throws MamError `io` when it can't be written, `conflict` when another hub does */
  static async take(dir: string, home: Home, log: Log): Promise<OpenRegistry> {
    ensureRegistry(dir);
    let registry: OpenRegistry | undefined;
    const lock = await lockFor(dir, home, () => registry?.failed());
    try {
      if (!readRegistries(home).includes(dir)) await addRegistry(home, dir);
    } catch (error) {
      await lock.release();
      throw error;
    }
    registry = new OpenRegistry(dir, lock, home, log);
    // A hub that was killed while pruning may have left something.
    void emptyTrash(dir).catch((error) => log.error(`the trash of ${dir} was not emptied`, error));
    return registry;
  }

  /** True while its lock is this hub's. */
  get isHeld(): boolean {
    return this.lock.holds();
  }

  /** The same, with a working heartbeat. */
  get isSound(): boolean {
    return this.#isBeating && this.isHeld;
  }

  /** True once it is known to have been removed. */
  get isRemoved(): boolean {
    return this.#proof !== undefined && fstatSync(this.#proof).nlink === 0;
  }

  /** True while it is known to exist, at its path or elsewhere. */
  get isSomewhere(): boolean {
    return this.#proof !== undefined && !this.isRemoved;
  }

  /** Where it is now, if its project was moved and that can be found out. */
  get newPlace(): string | undefined {
    const { dir, inode } = this;
    try {
      // If the system has this view of open files, it is found wherever it was moved.
      const proof = this.#proof;
      const open = proof === undefined ? undefined : dirname(readlinkSync(`/proc/self/fd/${proof}`));
      const name = dir.slice(projectFolderOf(dir).length);
      if (open?.endsWith(name) === true && inodeAt(open) === inode) return open;
    } catch {
      // Otherwise it is found only in the same parent folder.
    }
    return renamedTo(dir, inode);
  }

  /** Keeps the proof of a removal only while it is needed: it keeps a disk from being unmounted. */
  keepProof(isNeeded: boolean): void {
    if (isNeeded === (this.#proof !== undefined)) return;
    if (!isNeeded) this.dropProof();
    // Without it, a registry that is missing counts as away.
    else if (this.isHeld) this.#proof = orElse(() => openSync(`${lockPath(this.dir)}.owner`, 'r'), undefined);
  }

  dropProof(): void {
    if (this.#proof !== undefined) closeSync(this.#proof);
    this.#proof = undefined;
  }

  /** Takes its lock again, or that of the folder now at its path; once at a time. @throws MamError as `take` */
  async takeAgain(): Promise<void> {
    try {
      this.lock = await lockFor(this.dir, this.#home, () => this.failed());
    } catch (error) {
      this.taken = error instanceof MamError && error.code === 'conflict' ? error : undefined;
      const why = explain(error);
      if (this.#why !== why) this.#log.error(`the lock of ${this.dir} was not taken again: ${why}`);
      this.#why = why;
      throw error;
    }
    this.dropProof();
    this.inode = inodeAt(this.dir) ?? 0;
    this.#isBeating = true;
    // The other hub has written to it.
    if (this.taken !== undefined) this.dropIndex();
    this.taken = undefined;
    this.#why = undefined;
    this.keepProof(true);
  }

  /** Makes the list be read again when it is next needed. */
  dropIndex(): void {
    this.index = undefined;
    this.indexing = undefined;
    this.willBeListed = false;
  }

  /** A heartbeat has failed: the next look takes the lock again, if the registry is there and no other hub has it. */
  failed(): void {
    this.#isBeating = false;
  }
}

async function lockFor(dir: string, home: Home, failed: () => void): Promise<HeldLock> {
  const taken = await takeLock(lockPath(dir), thisOwner(home.folder), failed, ELECTION_TRIES).catch(
    (error) => {
      throw registryError(dir, error);
    },
  );
  if (!('heldBy' in taken)) return taken;
  throw new MamError(
    'conflict',
    `The registry ${dir} is being written by another hub (process ${taken.heldBy.pid}, MAM_HOME ${taken.heldBy.what}).`,
    'Use the same MAM_HOME as it, or set MAM_REGISTRY_DIR to another folder.',
  );
}
