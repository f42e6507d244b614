import { mkdirSync, rmSync } from 'node:fs';
import type { JobOrder } from '../../job/record.ts';
import { writeNew } from '../../registry/files.ts';
import { noteError } from '../../registry/home.ts';
import { noteJob } from '../../registry/known-jobs.ts';
import { registryError } from '../../registry/paths.ts';
import { keepText, writeText } from '../../registry/texts.ts';
import { LiveJob } from './live-job.ts';
import type { Store } from './store.ts';

/**
 * Creates a job in a registry that is ready: its folder, prompt and first event.
 * @param texts to be kept in its `texts` folder
 * @param begin records the first event
 * @returns the job at once, so that delivery can begin while the disk is busy; corked, until the dispatcher knows
 *   whether it is typed in now. Its `kept` resolves when all is on disk, and rejects, with the job removed, when not
 * @throws MamError `io` when the registry can't be written, `conflict` when another hub writes it
 */
export function makeJob(
  store: Store,
  order: JobOrder,
  prompt: string,
  texts: readonly string[],
  begin: (job: LiveJob) => Promise<void>,
): LiveJob {
  const { seal, registries } = store;
  const { registry_dir: dir, job_id: id } = order;
  const mayWrite = (isOpen: boolean): void => registries.check(job.registryDir, isOpen);
  const job: LiveJob = new LiveJob(dir, id, seal, { mayWrite, isNew: true });
  placeJob(store, job, order, prompt);
  job.cork();
  const queued = begin(job);
  const task = Promise.all([
    writeNew(job.paths.prompt, prompt),
    ...texts.map((text) => writeText(job.paths.texts, text)),
  ]);
  job.kept = Promise.all([queued, task]).then(
    () => {},
    async (error: unknown) => {
      await Promise.allSettled([queued, task]);
      await unmakeJob(store, job);
      throw registryError(dir, error);
    },
  );
  return job;
}

/**
 * Gives a new job its pointer, its folder, and its place in the memory.
 * @throws MamError `io` when the registry can't be written; then nothing of it is left
 */
export function placeJob(
  { home, jobs, pointers, registries }: Store,
  job: LiveJob,
  { prompt_sha256: hash }: Pick<JobOrder, 'prompt_sha256'>,
  prompt: string,
): void {
  const { id, registryDir } = job;
  job.prompt = prompt;
  keepText(hash, prompt);
  try {
    // The pointer comes first: if this hub is killed before the job exists, the next one finds the remains by it.
    pointers.put(job);
  } catch (error) {
    throw noteError(home, error);
  }
  try {
    mkdirSync(job.paths.folder, { mode: 0o700 });
  } catch (error) {
    pointers.remove(id);
    throw registryError(registryDir, error);
  }
  registries.place(job);
  if (job.registryInode !== undefined) noteJob(home, registryDir, id, job.registryInode);
  jobs.set(id, job);
}

/** Removes a job that could not be created. */
export async function unmakeJob(
  { jobs, registries, pointers, outlets, log }: Store,
  job: LiveJob,
): Promise<void> {
  jobs.delete(job.id);
  // Otherwise the list would show it as open forever.
  registries.unlist(job.registryDir, job.id);
  outlets.clear(job.id);
  try {
    await job.close();
    job.retire();
    rmSync(job.paths.folder, { recursive: true, force: true });
    pointers.remove(job.id);
  } catch (error) {
    // The next hub finds it by its pointer.
    log.error(`the files of ${job.id} were not removed`, error);
  }
}
