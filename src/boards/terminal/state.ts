import type { RecordedEvent } from '../../job/event.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import type { ListResult } from '../../operations/list.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { LogMessage } from '../../operations/request.ts';
import { idsOf, type Jobs, NO_JOBS, type Which } from './jobs.ts';
import type { Size } from './layout.ts';

/** The current meaning of the keys. */
export type Mode =
  | { kind: 'list' }
  | { kind: 'help' }
  /** `before` is restored if the user gives up. */
  | { kind: 'filter'; before: string }
  | {
      kind: 'answer';
      jobId: string;
      text: string;
      question: string | undefined;
      requestId: string | undefined;
    }
  | Confirm;

/** An action that needs confirmation. */
export interface Confirm {
  kind: 'confirm';
  what: 'allow' | 'deny' | 'cancel';
  jobId: string;
  /** The id of the displayed permission request. */
  requestId?: string | undefined;
  /** What must be read before confirming, made harmless. */
  text: string;
  /** Its first line on the screen. */
  top: number;
}

/** The selected job, as last received from the hub. */
export interface Detail {
  jobId: string;
  record: JobRecord;
  /** The newest ones, oldest first. */
  events: readonly RecordedEvent[];
}

/** A message for the user, shown until the next key. */
export interface Note {
  text: string;
  bad: boolean;
  /** It replaced a question: an Enter meant for the question only removes it. */
  holdsEnter?: true;
}

/** Everything that the board shows. Immutable: every change makes a new object. */
export interface State {
  size: Size;
  /** ms since 1970, for ages. */
  now: number;
  /** False if the user wants no colours. */
  coloured: boolean;
  registryDir: string;
  hub: 'looking' | 'here' | 'lost';
  jobs: Jobs;
  which: Which;
  filter: string;
  selected: string | undefined;
  /** The first row of the list on the screen. */
  top: number;
  /** The user asked for the last row, wherever the list ends. */
  toEnd: boolean;
  mode: Mode;
  note: Note | undefined;
  detail: Detail | undefined;
  screen: (ScreenResult & { jobId: string }) | undefined;
}

/** What happened. */
export type Action =
  | { type: 'resized'; size: Size }
  | { type: 'ticked'; now: number }
  | { type: 'hub'; hub: State['hub'] }
  | { type: 'listed'; which: Which; first: boolean; page: ListResult }
  | { type: 'heard'; messages: readonly LogMessage[] }
  | { type: 'looked'; detail: Detail }
  | { type: 'screened'; jobId: string; screen: ScreenResult }
  | { type: 'told'; note: Note }
  /** What a note said no longer applies. */
  | { type: 'over'; text: string };

/** What a key asks for outside the board itself. */
export type Effect =
  | { do: 'quit' }
  | { do: 'attach'; jobId: string; session: AgentSession }
  | { do: 'answer'; jobId: string; text: string; requestId: string | undefined }
  | { do: 'decide'; jobId: string; requestId: string; decision: 'allow' | 'deny' }
  | { do: 'cancel'; jobId: string };

export function initialState(
  given: Pick<State, 'size' | 'now' | 'coloured' | 'registryDir' | 'which'>,
): State {
  return {
    ...given,
    hub: 'looking',
    jobs: NO_JOBS,
    filter: '',
    selected: undefined,
    top: 0,
    toEnd: false,
    mode: { kind: 'list' },
    note: undefined,
    detail: undefined,
    screen: undefined,
  };
}

let last: { jobs: Jobs; which: Which; filter: string; ids: readonly string[] } | undefined;

/** The ids that the list shows now. Cached, because they are needed several times per state. */
export function shownIds({ jobs, which, filter }: State): readonly string[] {
  if (last?.jobs !== jobs || last.which !== which || last.filter !== filter)
    last = { jobs, which, filter, ids: idsOf(jobs, which, filter) };
  return last.ids;
}

export function selectedRow({ jobs, selected }: State): JobRow | undefined {
  return selected === undefined ? undefined : jobs.rows.get(selected);
}

/** What is known about the selected job, once it was fetched. */
export function selectedDetail({ detail, selected }: State): Detail | undefined {
  return detail?.jobId === selected ? detail : undefined;
}
