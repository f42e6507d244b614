import { MamError } from '../errors.ts';
import { isSettled } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { Link } from './link.ts';

/** A hub that is busy must not make a follower give up, in ms. */
const LOOK_MS = 30_000;

export interface FollowOptions {
  link: Link;
  host: string;
  registryDir: string;
  jobId: string;
  /** Only events after this seq. */
  after: number;
  signal: AbortSignal;
  /** Called with events in the order of the journal, each once, and the job as it is after them. */
  onEvents: (events: RecordedEvent[], record: JobRecord) => void;
}

/**
 * Follows a job's journal until it is final and no check of it runs any more. Hears of events by subscription; after a
 * lost connection, and where an event is missing, it asks for what it has not seen.
 * @returns the job at the end, or as it was last seen when the signal was aborted
 * @throws MamError `not_found` for an unknown job, the link's own when the hub can't be reached at the beginning
 */
export async function followJob(options: FollowOptions): Promise<JobRecord | undefined> {
  const { link, host, registryDir, jobId, signal, onEvents } = options;
  let seen = options.after;
  let record: JobRecord | undefined;
  const ends: (() => void)[] = [];

  return new Promise<JobRecord | undefined>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      for (const end of ends.splice(0)) end();
      finish();
    };
    const onAbort = (): void => settle(() => resolve(record));
    const look = async (): Promise<void> => {
      for (let more = true; more; ) {
        const params = { job_id: jobId, registry_dir: registryDir, events_after: seen };
        const status = await link.request('status', params, LOOK_MS);
        const news = status.events.filter(({ seq }) => seq > seen);
        seen = Math.max(seen, status.cursor);
        record = status.record;
        more = status.more;
        if (signal.aborted) return;
        if (news.length > 0) onEvents(news, record);
      }
    };
    let looking = false;
    let again = false;
    const lookSoon = (): void => {
      again = looking;
      if (looking) return;
      looking = true;
      void look()
        .then(
          () => {
            if (record !== undefined && isSettled(record) && record.seq <= seen) {
              const last = record;
              settle(() => resolve(last));
            }
          },
          (error: unknown) => {
            // Once it follows, a lost hub is no reason to stop: the next connection looks again.
            const first = record === undefined;
            if (first || (error instanceof MamError && error.code === 'not_found'))
              settle(() => reject(error));
          },
        )
        .finally(() => {
          looking = false;
          if (again && ends.length > 0) lookSoon();
        });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    ends.push(() => signal.removeEventListener('abort', onAbort));
    ends.push(
      link.follow(jobId, host, ({ event, status, reason, phase, record: whole }) => {
        if (event.seq <= seen) return;
        if (looking || record === undefined || event.seq > seen + 1) return lookSoon();
        seen = event.seq;
        const state = {
          status: status as JobRecord['status'],
          phase,
          seq: event.seq,
          reason: reason as string,
        };
        record = whole ?? { ...record, ...state };
        onEvents([event], record);
        if (isSettled(record)) lookSoon();
      }),
    );
    ends.push(link.onConnect(lookSoon));
    lookSoon();
    if (signal.aborted) onAbort();
  });
}
