import { isSettled } from '../../job/apply.ts';
import { draftEvent, type Saying } from '../../job/event.ts';
import { isLost, isOver } from '../../job/home-state.ts';
import { inodeAt, isRemoved } from '../../registry/paths.ts';
import { moveToTrash } from '../../registry/trash.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Store } from './store.ts';

/** Removes jobs, and forgets those whose folders are gone. */
export class Removal {
  readonly #store: Store;
  readonly #onRecorded: (job: LiveJob, recorded: Recorded) => void;

  constructor(store: Store, onRecorded: (job: LiveJob, recorded: Recorded) => void) {
    this.#store = store;
    this.#onRecorded = onRecorded;
  }

  /**
   * Removes an ended job from its registry, within this turn of the event loop.
   * @returns false when something of it is still being written: then it stays
   * @throws the system's error when its folder can't be moved; then it stays as well
   */
  remove(dir: string, jobId: string): boolean {
    const { jobs, loading, outlets } = this.#store;
    const job = jobs.get(jobId);
    if (loading.has(jobId)) return false;
    if (
      job !== undefined &&
      (!(isSettled(job.record) || isLost(job.record)) || outlets.isBusy(job) || !job.retire())
    )
      return false;
    try {
      moveToTrash(dir, jobId);
    } catch (error) {
      if (job !== undefined) job.isRetired = false;
      throw error;
    }
    this.#letGo(jobId, job);
    return true;
  }

  /**
   * Forgets a job whose folder was removed by hand. An open job ends with that, so that its waiters and the jobs behind
   * it in its pane can continue.
   * @returns false when its folder is there, or something of it is still being written
   */
  dropRemoved(job: LiveJob): boolean {
    if (!isRemoved(job.registryDir, job.id) || inodeAt(job.registryDir) !== job.registryInode) return false;
    if (!job.retire()) return false;
    this.drop(job);
    return true;
  }

  /** Forgets a job whose folder is gone. @param more for the last event of an open one */
  drop(job: LiveJob, more?: Saying<'cancelled'>): void {
    const { log, late, registries } = this.#store;
    job.retire();
    log.warn(`the folder ${job.paths.folder} is gone: its job is dropped`);
    if (!isOver(job.record)) {
      const detail = `Someone removed its folder ${job.paths.folder}.`;
      const draft = draftEvent(job.id, 'cancelled', more ?? { source: 'person', detail });
      this.#onRecorded(job, job.endUnkept(draft));
    }
    late.delete(job);
    registries.unlist(job.registryDir, job.id);
    this.#letGo(job.id, job);
  }

  #letGo(jobId: string, job: LiveJob | undefined): void {
    const { jobs, pointers, outlets } = this.#store;
    jobs.delete(jobId);
    pointers.remove(jobId);
    void job?.close().catch(() => {});
    outlets.clear(jobId);
  }
}
