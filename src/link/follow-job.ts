import { isSettled } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { isLost } from '../job/home-state.ts';
import type { JobRecord } from '../job/record.ts';
import { JobStream, type JobStreamOptions } from './job-stream.ts';

export interface FollowOptions extends Pick<JobStreamOptions, 'link' | 'host' | 'registryDir' | 'jobId'> {
  /** Only events after this seq. */
  after: number;
  signal: AbortSignal;
  /** Called with events in journal order, each once, and with the job's state after them. */
  onEvents: (events: RecordedEvent[], record: JobRecord) => void;
}

/**
 * Follows a job's journal until the job is final and none of its checks is running.
 * @returns the job at the end, or as last seen if the signal was aborted
 * @throws MamError `not_found` for an unknown job, the link's own if the hub can't be reached at the beginning
 */
export async function followJob(options: FollowOptions): Promise<JobRecord | undefined> {
  const { signal, onEvents } = options;
  let last: JobRecord | undefined;
  return new Promise<JobRecord | undefined>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      stream.end();
      finish();
    };
    const onAbort = (): void => settle(() => resolve(last));
    const stream = new JobStream({
      ...options,
      onNews: ({ events, record, whole }) => {
        last = record;
        if (events.length > 0) onEvents(events, record);
        if (whole && (isSettled(record) || isLost(record))) settle(() => resolve(record));
      },
      onFailed: (error) => settle(() => reject(error)),
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
