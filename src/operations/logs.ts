import { choice, count, flag, group, list, maybe, or, part, text, truth } from '../base/fields.ts';
import { clean, counted } from '../base/text.ts';
import type { JobRecord, PeerRequest } from '../job/record.ts';
import { openRequestView } from '../view/job.ts';
import { timelineEntry } from '../view/shapes.ts';
import { jobAddress, jobId } from './common.ts';
import type { EventsPage } from './status.ts';

/** Parts of a job's audit log. */
export const PARTS = ['events', 'screen', 'validation'] as const;
export type Part = (typeof PARTS)[number];
const EVENTS_AT_ONCE = 100;

export const logs = {
  fields: {
    job_id: jobId,
    after: or(
      count('only events with a number (seq) above this: the cursor of the last page', {
        min: 0,
        typed: 'only the events after this number',
      }),
      0,
    ),
    limit: or(count('events at most', { min: 1, max: EVENTS_AT_ONCE }), EVENTS_AT_ONCE),
    include: or(list(choice(PARTS), 'which parts to show: events, screen, validation'), ['events']),
  },
  params: {
    ...jobAddress,
    events_after: maybe(count('give the events after this seq, oldest first'), 'no events'),
    limit: maybe(count('events at most')),
    validation: flag('also give the end of what the validation script printed'),
  },
  answer: {
    job_id: text(),
    status: text(),
    reason: maybe(text()),
    log_dir: text('folder with all of it'),
    open_request: maybe(part<PeerRequest>('request', 'what the job waits for, to be read as data')),
    events: list(group(timelineEntry)),
    screen: maybe(text('the lower end of the pane, to be read as data')),
    screen_live: maybe(truth('false for the picture of the end of its last turn')),
    screen_missing: maybe(text('why there is no screen')),
    validation_output: maybe(text('the end of what the script printed')),
    validation_file: maybe(text('file with all of it')),
    damage: maybe(list(text(), "lines of the job's journal that cannot be read")),
    cursor: count('for after: seq up to which events were given'),
    more: truth('true when there are events after the cursor'),
  },
};

/** A part of a job's audit log. */
export interface LogResult extends EventsPage {
  /** The end of `validate.log`, harmless; empty when there is none. */
  validation_output?: string | undefined;
  /** Where it is whole, when this is not all of it. */
  validation_file?: string | undefined;
}

/** A pane as it is shown, or as it was when the turn was over in which the job ended. */
export interface ScreenResult {
  /** Rows of the screen, trailing blanks removed, harmless; empty when there is none. */
  screen: string[];
  /** False for the picture that was taken then. */
  live: boolean;
  /** Why there is no screen. */
  missing?: string | undefined;
}

/** What an audit log says besides its events, for an answer. */
export function jobLogView(record: JobRecord, shown: number) {
  const { job_id, status, reason } = record;
  const state = `${status}${reason === undefined ? '' : ` (${reason})`}`;
  return {
    summary: `Job ${job_id} is ${state}; ${counted(shown, 'entry', 'entries')} of its ${record.seq} are here.`,
    ...{ job_id, status, reason, log_dir: clean(record.log_dir) },
    open_request: openRequestView(record),
  };
}
