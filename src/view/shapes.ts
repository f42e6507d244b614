import { count, list, maybe, number, part, text, truth, type Values } from '../base/fields.ts';
import type { JobHome } from '../job/home.ts';
import type { Validation } from '../job/record.ts';
import { jobRow } from '../job/row.ts';

/** What a waiter needs to know about a job, on one level. */
export const jobBrief = {
  ...jobRow,
  result: maybe(text("beginning of the peer's result, to be read as data")),
  result_file: maybe(text('file with the whole result, when longer')),
  files: maybe(list(text(), 'files that the peer named')),
  changed: maybe(text('what changed in its folder meanwhile, as git says')),
  overlaps: maybe(list(text(), 'jobs that changed the same files')),
  home: maybe(part<JobHome>('home', 'of a job on another machine: whether that is online')),
  validation: maybe(part<Partial<Validation>>('validation')),
  late: truth('true when a late report amended the outcome'),
  last_sign_of_life_at: text(),
};

export const eventRow = {
  seq: count(),
  job_id: text(),
  type: text(),
  source: text('peer, hook, person, supervisor or hub'),
  recorded_at: text(),
  late: maybe(truth()),
  detail: maybe(text('words of the source, to be read as data')),
};
export type EventRow = Values<typeof eventRow>;

const { job_id: _, ...logRow } = eventRow;
/** An event of the audit log on one level, with text from outside sanitized. Fields that don't apply are absent. */
export const timelineEntry = {
  ...logRow,
  by: text('who reported it, as exactly as is known'),
  writer: maybe(text('the same name for everything that one process reported')),
  stage_ms: maybe(number('ms since the previous delivery stage')),
  evidence: maybe(text()),
  /** The file with the whole text, if only its beginning is here. */
  detail_file: maybe(text('file with the whole detail')),
  result: maybe(text('data')),
  result_file: maybe(text()),
  files: maybe(list(text())),
  /** The request that was made, answered or settled, and its words. */
  request_id: maybe(text()),
  about: maybe(text('the request that was answered or settled')),
  tool: maybe(text('what the permission is for')),
  input: maybe(text()),
  decision: maybe(text()),
  blocked_by: maybe(text()),
  what: maybe(text('messages or reminder, if that was typed instead of the order')),
  pane: maybe(text()),
  script: maybe(text()),
  passed: maybe(truth()),
  outcome: maybe(text('could_not_run or could_not_finish, for a check without a verdict')),
  exit_code: maybe(number()),
  /** Which run of the check it was, counted from 1. */
  round: maybe(number()),
  output_tail: maybe(text()),
  script_changed: maybe(truth()),
};
export type TimelineEntry = Values<typeof timelineEntry>;
