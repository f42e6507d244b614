import { mkdirSync } from 'node:fs';
import type { ReplicaState } from '../../job/replica.ts';
import { writeDurably, writeNew } from '../../registry/files.ts';
import { noteError } from '../../registry/home.ts';
import { noteJob } from '../../registry/known-jobs.ts';
import { presentMark } from '../../registry/mark.ts';
import { registryError } from '../../registry/paths.ts';
import { keepText } from '../../registry/texts.ts';
import { LiveJob } from './live-job.ts';
import { unmakeJob } from './make-job.ts';
import type { Store } from './store.ts';

/**
 * Creates the copy of a job that another host is about to be asked for, in a registry that is ready. Its journal, still
 * empty, is written last: without it the next hub removes the rest, and nobody was asked.
 * @returns the job at once; its `kept` resolves when all is on disk, and rejects, with the copy removed, when not
 * @throws MamError `io` when the registry can't be written, `conflict` when another hub writes it
 */
export function makeReplica(store: Store, prompt: string, state: ReplicaState): LiveJob {
  const { home, seal, jobs, pointers, registries } = store;
  const { registry_dir: dir, job_id: id, prompt_sha256: hash } = state.order;
  const mayWrite = (isOpen: boolean): void => registries.check(job.registryDir, isOpen);
  const job: LiveJob = new LiveJob(dir, id, seal, { mayWrite });
  const copy = job.beCopy(state);
  job.prompt = prompt;
  keepText(hash, prompt);
  try {
    pointers.put(job);
  } catch (error) {
    throw noteError(home, error);
  }
  try {
    mkdirSync(job.paths.folder, { mode: 0o700 });
  } catch (error) {
    pointers.remove(id);
    throw registryError(dir, error);
  }
  registries.place(job);
  if (job.registryInode !== undefined) noteJob(home, dir, id, job.registryInode);
  jobs.set(id, job);
  job.kept = (async () => {
    const first = [writeNew(job.paths.prompt, prompt), copy.rewrite()];
    try {
      await Promise.all(first);
      await writeDurably(job.paths.journal, '');
      job.mark = presentMark(job.paths.journal);
      copy.isKept = true;
    } catch (error) {
      await Promise.allSettled(first);
      await unmakeJob(store, job);
      throw registryError(dir, error);
    }
  })();
  return job;
}
