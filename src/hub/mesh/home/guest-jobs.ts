import { MamError } from '../../../base/errors.ts';
import type { JobRow } from '../../../job/row.ts';
import { isFinal, type Status } from '../../../job/words.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import { PAGE_BYTES } from '../wire/messages.ts';
import { fitting } from './pages.ts';
import { checkDelegates, checkSeesAll, type Guest } from './policy.ts';

/** The jobs of this hub that another host may ask for. */
export class GuestJobs {
  readonly #registrar: Registrar;

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  /**
   * A job that a guest acts on: one that it has delegated, or any for a guest with a shell here.
   * @throws MamError `not_found` for any other, as for an unknown one; `refused` if it may not delegate
   */
  async own(guest: Guest, jobId: string): Promise<LiveJob> {
    checkDelegates(guest);
    return this.#find(guest, jobId, (job) => job.record.supervisor.host === guest.host);
  }

  /** The same for a look, which may be allowed for all jobs. @throws MamError as `own` */
  async readable(guest: Guest, jobId: string): Promise<LiveJob> {
    return guest.may?.see === 'all' ? this.#find(guest, jobId, () => true) : this.own(guest, jobId);
  }

  /**
   * Jobs for a list, those that are open first, then the newest.
   * @param see only the guest's own, or all of this hub
   * @throws MamError `refused` if the guest may not see them
   */
  async list(guest: Guest, see: 'own' | 'all'): Promise<{ jobs: JobRow[]; more: boolean }> {
    if (see === 'all') checkSeesAll(guest);
    else checkDelegates(guest);
    const rows = new Map<string, JobRow>();
    for (const dir of this.#registrar.registryDirs) {
      // A registry that can't be read now is told to this machine's own users.
      const index = await this.#registrar.index(dir).catch(() => undefined);
      for (const row of index?.inOrder() ?? []) {
        if (row.host !== undefined || (see === 'own' && row.from !== guest.host)) continue;
        rows.set(row.job_id, this.#registrar.present(row));
      }
    }
    const isOver = ({ status }: JobRow) => Number(isFinal(status as Status));
    const sorted = [...rows.values()].sort(
      (a, b) => isOver(a) - isOver(b) || b.created_at.localeCompare(a.created_at),
    );
    const jobs = fitting(sorted, PAGE_BYTES);
    return { jobs, more: jobs.length < sorted.length };
  }

  async #find(guest: Guest, jobId: string, isTheirs: (job: LiveJob) => boolean): Promise<LiveJob> {
    const hasShell = guest.may === undefined;
    const job = await this.#registrar.find(jobId).catch((error: unknown) => {
      if (hasShell || !(error instanceof MamError)) throw error;
      if (error.code === 'not_found') throw noJob();
      throw plainError('unavailable', 'The jobs there cannot be read now.', 'Try again later.');
    });
    // A copy of another host's job is asked for there.
    const isAway = job.isHistory || job.record.home !== undefined;
    if (isAway || (!hasShell && !isTheirs(job))) throw noJob();
    await job.kept.catch(() => {
      throw noJob();
    });
    return job;
  }
}

function noJob() {
  return plainError(
    'not_found',
    'There is no job with this id there.',
    'list_jobs (`mam list`) has the ids.',
  );
}
