import { someOf } from '../../base/text.ts';
import { isSessionLeft, poolOf, waitsForNewSession } from '../../job/new-session.ts';
import type { JobOrder, JobRecord } from '../../job/record.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { HeldJob } from '../preparation/held-job.ts';
import type { News } from '../preparation/news.ts';
import type { Passed, Step } from '../preparation/step.ts';
import type { UsedSessions } from './used-sessions.ts';

const NAMED_JOBS = 3;

/**
 * Lets a job that gets a session of its own wait while as many of its kind are in use as may be. First come, first served;
 * everything is counted from the records, so the next hub goes on with the same order.
 */
export class Pool implements Step {
  readonly name = 'pool';
  readonly blockedBy = 'pool';
  readonly failure = 'delivery_failed';
  readonly #with: { registrar: Registrar; news: News; used: UsedSessions };

  constructor(parts: { registrar: Registrar; news: News; used: UsedSessions }) {
    this.#with = parts;
    parts.used.onFreed = (job) => parts.news.of(job);
  }

  isNeeded({ new_session }: Pick<JobOrder, 'new_session'>): boolean {
    return new_session !== undefined;
  }

  async run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<Passed> {
    const { news } = this.#with;
    const about = ({ record }: LiveJob) => this.isNeeded(record);
    const name = await news.until(() => this.#turnOf(job, held), signal, about);
    return { detail: `It gets the new session ${name}.` };
  }

  /** The jobs that get a session of the same kind before this one, in their order. */
  ahead(job: LiveJob): LiveJob[] {
    if (!waitsForNewSession(job.record)) return [];
    return this.#waiting(poolOf(job.record)).filter(({ record }) => isBefore(record, job.record));
  }

  /** Why a job with this order would wait; undefined for one that would not. */
  fullFor(order: Pick<JobOrder, 'agent' | 'new_session'>): string | undefined {
    const pool = poolOf(order);
    const most = order.new_session?.max ?? 0;
    const used = this.#with.used.inUse(pool).length;
    const waiting = this.#waiting(pool).length;
    if (used >= most) return `${used} of ${most} are in use`;
    return waiting === 0 ? undefined : `${waiting === 1 ? 'a job waits' : `${waiting} jobs wait`} for one`;
  }

  /** @returns the name of its session once it is its turn */
  async #turnOf(job: LiveJob, held: HeldJob): Promise<string | undefined> {
    const { used } = this.#with;
    const { new_session: own } = job.record;
    const pool = poolOf(job.record);
    const inUse = used.inUse(pool);
    const isFull = inUse.length >= (own?.max ?? 0);
    const ahead = this.ahead(job).map(({ id }) => id);
    if (!isFull && ahead.length === 0) return own?.name;
    if (!isFull) {
      await held.waits(
        'pool',
        `It comes after ${ahead.length === 1 ? 'job' : 'jobs'} ${someOf(ahead, NAMED_JOBS)}.`,
      );
      return undefined;
    }
    // What does not pass by itself: a dialog, an input box that does not come back.
    const isStuck = (one: LiveJob) => isSessionLeft(one.record) && used.leftOf(one)?.isBusy === false;
    const stuck = inUse.find(isStuck);
    const also = stuck
      ? `; job ${stuck.id} is done, but its session ${stuck.record.new_session?.name} stays: ${used.leftOf(stuck)?.why}`
      : '';
    await held.waits('pool', `${inUse.length} of ${own?.max} are in use${also}.`);
    used.makeRoom(pool);
    return undefined;
  }

  #waiting(pool: string): LiveJob[] {
    const waiting = this.#with.registrar.open.filter(
      ({ record }) => poolOf(record) === pool && waitsForNewSession(record),
    );
    return waiting.sort((a, b) => (isBefore(a.record, b.record) ? -1 : 1));
  }
}

function isBefore(a: JobRecord, b: JobRecord): boolean {
  return a.created_at === b.created_at ? a.job_id < b.job_id : a.created_at < b.created_at;
}
