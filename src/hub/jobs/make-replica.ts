import type { ReplicaState } from '../../job/replica.ts';
import { writeDurably, writeNew } from '../../registry/files.ts';
import { presentMark } from '../../registry/mark.ts';
import { registryError } from '../../registry/paths.ts';
import { LiveJob } from './live-job.ts';
import { placeJob, unmakeJob } from './make-job.ts';
import type { Store } from './store.ts';

/**
 * Creates the copy of a job that another host is about to be asked for, in a registry that is ready. Its journal, still
 * empty, is written last: without it the next hub removes the rest, and nobody was asked.
 * @returns the job at once; its `kept` resolves when all is on disk, and rejects, with the copy removed, when not
 * @throws MamError `io` when the registry can't be written, `conflict` when another hub writes it
 */
export function makeReplica(store: Store, prompt: string, state: ReplicaState): LiveJob {
  const { seal, registries } = store;
  const { registry_dir: dir, job_id: id } = state.order;
  const mayWrite = (isOpen: boolean): void => registries.check(job.registryDir, isOpen);
  const job: LiveJob = new LiveJob(dir, id, seal, { mayWrite });
  const replica = job.beReplica(state);
  placeJob(store, job, state.order, prompt);
  job.kept = (async () => {
    const first = [writeNew(job.paths.prompt, prompt), replica.rewrite()];
    try {
      await Promise.all(first);
      await writeDurably(job.paths.journal, '');
      job.mark = presentMark(job.paths.journal);
      replica.isKept = true;
    } catch (error) {
      await Promise.allSettled(first);
      await unmakeJob(store, job);
      throw registryError(dir, error);
    }
  })();
  return job;
}
