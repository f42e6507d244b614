import { choice, count, flag, group, list, maybe, or, part, text, truth } from '../base/fields.ts';
import { clean, counted } from '../base/text.ts';
import type { JobHome } from '../job/home.ts';
import { reasonOf } from '../job/home-state.ts';
import type { JobRecord, PeerRequest } from '../job/record.ts';
import { changesLine } from '../view/changes.ts';
import { hostOf } from '../view/home.ts';
import { openRequestView } from '../view/job.ts';
import { timelineEntry } from '../view/shapes.ts';
import { worktreeText } from '../view/worktree.ts';
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
      count('only events after this seq: the cursor of the last page', {
        min: 0,
        typed: 'only the events after this number',
      }),
      0,
    ),
    limit: or(count('page size', { min: 1, max: EVENTS_AT_ONCE }), EVENTS_AT_ONCE),
    include: or(list(choice(PARTS), 'which parts to show: events, screen, validation'), ['events']),
  },
  params: {
    ...jobAddress,
    events_after: maybe(count('return the events after this seq, oldest first'), 'no events'),
    limit: maybe(count('maximum number of events')),
    validation: flag("also return the end of the validation script's output"),
  },
  answer: {
    job_id: text(),
    status: text(),
    reason: maybe(text()),
    home: maybe(part<JobHome>('home', 'of a job on another machine: whether that is online')),
    changes: maybe(text('what changed in its folder, as git says')),
    work: maybe(text('its branch and worktree, and what became of them')),
    log_dir: text('folder with the whole log'),
    open_request: maybe(part<PeerRequest>('request', 'what the job waits for, to be read as data')),
    events: list(group(timelineEntry)),
    screen: maybe(text('the last lines of the pane, to be read as data')),
    screen_live: maybe(truth('false when it was captured at the end of the last turn')),
    screen_missing: maybe(text('why there is no screen')),
    validation_output: maybe(text("the end of the script's output")),
    validation_file: maybe(text('file with the whole output')),
    damage: maybe(list(text(), "lines of the job's journal that cannot be read")),
    cursor: count('for after: seq up to which events were returned'),
    more: truth('true when there are events after the cursor'),
  },
};

/** A part of a job's audit log. */
export interface LogResult extends EventsPage {
  /** The end of `validate.log`, sanitized; empty when there is none. */
  validation_output?: string | undefined;
  /** The file with the whole output, if this is only its end. */
  validation_file?: string | undefined;
}

/** A pane as it is now, or as it was at the end of the turn in which the job ended. */
export interface ScreenResult {
  /** Rows of the screen without trailing blanks, sanitized; empty when there is none. */
  screen: string[];
  /** False for a screen that was captured then. */
  live: boolean;
  /** Why there is no screen. */
  missing?: string | undefined;
}

/** The fields of an audit log other than its events, for an answer. */
export function jobLogView(record: JobRecord, shown: number) {
  const { job_id, status } = record;
  const reason = reasonOf(record);
  const host = hostOf(record);
  const state = `${status}${reason === undefined ? '' : ` (${reason})`}`;
  return {
    summary: `Job ${job_id}${host === undefined ? '' : ` on ${host}`} is ${state}; ${shown} of its ${counted(record.seq, 'entry', 'entries')} shown.`,
    ...{ job_id, status, reason, home: record.home, log_dir: clean(record.log_dir) },
    changes: changesLine(record),
    work: worktreeText(record),
    open_request: openRequestView(record),
  };
}
