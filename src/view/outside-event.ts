import { cleanLine, sliceUnits, someOf } from '../base/text.ts';
import type { RecordedEvent } from '../job/event.ts';
import { openRequest } from '../job/open-request.ts';
import type { JobRecord } from '../job/record.ts';
import { lastWords } from '../job/standing.ts';
import { wakeWords } from '../job/wake.ts';
import { isFinal } from '../job/words.ts';
import { brief } from './job.ts';
import { nextStep } from './next-step.ts';
import { needText } from './summary.ts';

/** Lengths in characters. All texts of one job together, the sentence about it, and a path. */
const JOB_TEXTS = 4_000;
const SUMMARY_TEXT = 300;
const PATH_TEXT = 1_000;
/** The same in a sentence about several jobs, for one that needs someone and for one that has ended. */
const NEED_TEXT = 120;
const FINAL_TEXT = 60;
/** How many jobs one event names, and its sentence. */
const LISTED_JOBS = 20;
const NAMED_JOBS = 3;

/** What the `on_event` command is run for. */
export type OutsideKind = 'needs_you' | 'final' | 'test';

/** A change of a job as the `on_event` command gets it: the fields of a job in `wait_job`, and what happened. */
export type OutsideChange = ReturnType<typeof outsideChange>;

/** What the `on_event` command gets: a change of one job, a test, or several changes together. */
export interface OutsideEvent {
  event: OutsideKind;
  /** How many changes it is about. */
  count: number;
  summary: string;
  at: string;
  /** If it is about one job. */
  job_id?: string;
  /** If it is about several changes: the jobs, and how many more there are. */
  jobs?: ReturnType<typeof listed>[];
  left_out?: number;
  /** The next command for a shell. */
  next?: string;
}

/** Whether this event of a job is told outside; undefined if it is not. @param before absent for a new job */
export function outsideKind(
  event: RecordedEvent,
  after: JobRecord,
  before: JobRecord | undefined,
): OutsideKind | undefined {
  // A person has to do it.
  if (before === undefined) return after.agent === 'human' ? 'needs_you' : undefined;
  if (after.wake_seq !== event.seq) return undefined;
  return isFinal(after.status) ? 'final' : 'needs_you';
}

/** @param after the job after `event` */
export function outsideChange(kind: OutsideKind, event: RecordedEvent, after: JobRecord) {
  return {
    event: kind,
    count: 1,
    summary: summaryOf(kind, after),
    at: event.recorded_at,
    seq: event.seq,
    type: event.type,
    source: event.source,
    ...brief(after, JOB_TEXTS),
    workdir: cleanLine(after.workdir, PATH_TEXT),
    registry_dir: cleanLine(after.registry_dir, PATH_TEXT),
    next: isHanded(kind, after) ? `mam done ${after.job_id} "THE OUTCOME"` : nextStep(after),
  };
}

/** For a person who tries the command. */
export function outsideTest(at: string): OutsideEvent {
  return { event: 'test', count: 1, summary: 'mam: this is a test of on_event', at };
}

/** Several changes as one event. @param changes oldest first, at least one */
export function outsideEvents(changes: readonly OutsideChange[]): OutsideEvent {
  // Only a job's last change counts: what it needed before may be over.
  const last = new Map<string, OutsideChange>();
  for (const change of changes) {
    last.delete(change.job_id);
    last.set(change.job_id, change);
  }
  const of = (kind: OutsideKind) => [...last.values()].filter(({ event }) => event === kind);
  const [need, final] = [of('needs_you'), of('final')];
  const parts = [
    together(needText(need.length), need, NEED_TEXT),
    together(`${final.length} are final`, final, FINAL_TEXT),
  ].flatMap((part) => part ?? []);
  const jobs = [...need, ...final].slice(0, LISTED_JOBS).map(listed);
  return {
    event: need.length > 0 ? 'needs_you' : 'final',
    count: changes.length,
    summary: parts.join(' · '),
    at: changes.at(-1)?.at ?? '',
    ...{ jobs, left_out: last.size - jobs.length, next: 'mam list --all' },
  };
}

function listed({ event, job_id, agent, status, reason, summary, at, next, host }: OutsideChange) {
  return { event, job_id, agent, host, status, reason, summary, at, next };
}

/** Some jobs as one part of a sentence: what is asked, or how they ended; undefined for none. */
function together(title: string, changes: readonly OutsideChange[], room: number): string | undefined {
  const [first, ...more] = changes;
  if (first === undefined || more.length === 0) return first?.summary;
  // The title says that they need someone.
  const said = changes.map(({ job_id, summary }) =>
    cleanLine(summary.replace(`${job_id} needs you (`, `${job_id} (`), room),
  );
  return `${title}: ${someOf(said, NAMED_JOBS)}`;
}

function summaryOf(kind: OutsideKind, record: JobRecord): string {
  const { job_id, result, prompt_preview } = record;
  if (isHanded(kind, record)) return cleanLine(`${job_id} is for you: ${prompt_preview}`, SUMMARY_TEXT);
  const words = openRequest(record)?.text ?? lastWords(record) ?? result;
  const text = words === undefined ? '' : `: ${sliceUnits(words, 0, 2 * SUMMARY_TEXT)}`;
  return cleanLine(`${wakeWords(record)}${text}`, SUMMARY_TEXT);
}

/** A job that was just given to a person. */
function isHanded(kind: OutsideKind, { agent, reason }: JobRecord): boolean {
  return kind === 'needs_you' && agent === 'human' && reason === undefined;
}
