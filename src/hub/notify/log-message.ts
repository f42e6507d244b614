import type { JobRecord } from '../../job/record.ts';
import { lastWords, standingOf } from '../../job/standing.ts';
import type { LogMessage } from '../../operations/request.ts';
import type { Recorded } from '../jobs/live-job.ts';

/** What those who follow a job are told of an event: with the whole record if a waiter must learn of it. */
export function logMessage({ event, before, after, home }: Omit<Recorded, 'repeated'>): LogMessage {
  return {
    event,
    ...standingOf(after),
    ...newWords(before, after),
    ...((after.wake_seq === event.seq || home === true) && { record: after }),
    ...(home === true && { home }),
  };
}

/** The last words about a job, if an event has changed them. */
function newWords(before: JobRecord | undefined, after: JobRecord): Pick<LogMessage, 'detail'> {
  const detail = lastWords(after);
  return before !== undefined && lastWords(before) === detail ? {} : { detail: detail ?? '' };
}
