import { reasonOf } from '../../job/home-state.ts';
import type { EarlierJob } from '../../operations/status.ts';
import type { LiveJob } from './live-job.ts';
import type { Registrar } from './registrar.ts';

/** The jobs that one comes after, each with its state; undefined for one that comes after none. */
export async function earlierJobs(
  registrar: Registrar,
  { record: { after = [] }, registryDir }: LiveJob,
): Promise<EarlierJob[] | undefined> {
  if (after.length === 0) return undefined;
  return Promise.all(
    after.map(async (job_id) => {
      // It was removed, or is in a registry that is away.
      const job = await registrar.find(job_id, registryDir).catch(() => undefined);
      if (job === undefined) return { job_id, status: 'unknown' };
      const reason = reasonOf(job.record);
      return { job_id, status: job.record.status, ...(reason !== undefined && { reason }) };
    }),
  );
}
