import { choice, count, group, list, maybe, type Sent, text, truth, type Values } from '../base/fields.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { eventRow } from '../view/shapes.ts';
import { inRegistry, jobId, seenBy, wholeJob } from './common.ts';

const fields = {
  job_id: jobId,
  events_after: maybe(count('also return the events after this seq, 0 for all', { min: 0 })),
  task_offset: maybe(count('also return the task from this character on, 0 for its beginning', { min: 0 })),
};

const earlierJob = {
  job_id: text(),
  status: text('unknown for one that was removed'),
  reason: maybe(text()),
};
/** A job that another one comes after. */
export type EarlierJob = Values<typeof earlierJob>;

export const status = {
  fields,
  params: {
    ...{ ...fields, ...inRegistry, ...seenBy },
    limit: maybe(count('maximum number of events')),
    told: maybe(choice(['channel'], 'with seen_by: how it is notified; absent: it asked by itself')),
  },
  answer: {
    ...wholeJob,
    events: list(group(eventRow)),
    cursor: count('seq up to which events were returned, for events_after'),
    more_events: truth(),
    task: maybe(text('one page of the task text')),
    task_next_offset: maybe(count('where the next page begins; absent on the last one')),
    task_file: text('file with the whole task'),
    waits_for: maybe(list(group(earlierJob), 'the jobs of `after`, with their states')),
    damage: maybe(list(text(), "lines of the job's journal that cannot be read")),
  },
};
export type StatusParams = Sent<typeof status.params>;

/** Some of a job's events, oldest first. */
export interface EventsPage {
  record: JobRecord;
  events: RecordedEvent[];
  /** The seq up to which `events` reach. */
  cursor: number;
  more: boolean;
  /** One sentence for each line of the journal that can't be read. */
  damage?: string[] | undefined;
}

export interface StatusResult extends EventsPage {
  task?: string | undefined;
  task_next_offset?: number | undefined;
  task_file: string;
  waits_for?: EarlierJob[] | undefined;
  /** For a request with `told`: false when the supervisor already knew. */
  told?: boolean | undefined;
}
