import { cut, wrap } from '../../base/columns.ts';
import type { RecordedEvent } from '../../job/event.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import type { ListResult } from '../../operations/list.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { LogMessage } from '../../operations/request.ts';
import type { Form } from './form.ts';
import { idsOf, type Jobs, NO_JOBS, type Which } from './jobs.ts';
import { type Layout, layoutOf, type Size } from './layout.ts';
import type { Menu } from './menu.ts';
import type { Pager } from './pager.ts';
import { NO_TEXTS, type TextAction, type Texts } from './texts.ts';

/** How much of the screen's height a note may take. */
const NOTE_SHARE = 0.3;

/** The current meaning of the keys. */
export type Mode =
  | { kind: 'list' }
  /** `before` is restored if the user gives up. */
  | { kind: 'filter'; before: string }
  | Line
  | Confirm
  | Pager
  | Form
  | Menu;

/** A line that is being typed for a job: an answer or an instruction, or the outcome of a person's job. */
export interface Line {
  kind: 'line';
  what: 'answer' | 'done';
  jobId: string;
  text: string;
  label: string;
  /** The id of the question that was shown. */
  requestId?: string | undefined;
}

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
interface Note {
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
  /** The folder that new jobs and agents work in. */
  cwd: string;
  hub: 'looking' | 'here' | 'lost';
  jobs: Jobs;
  which: Which;
  filter: string;
  selected: string | undefined;
  /** A job that is to be selected as soon as it is listed. */
  wanted: string | undefined;
  /** The first row of the list on the screen. */
  top: number;
  /** The user asked for the last row, wherever the list ends. */
  toEnd: boolean;
  /** The terminal's bell rings when a job begins to need someone. */
  bell: boolean;
  mode: Mode;
  note: Note | undefined;
  detail: Detail | undefined;
  screen: (ScreenResult & { jobId: string }) | undefined;
  texts: Texts;
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
  | { type: 'over'; text: string }
  /** A new job was made, or refused. */
  | { type: 'delegated'; jobId: string; text: string; bad: boolean }
  | { type: 'refused'; text: string }
  | TextAction;

/** What a key asks for outside the board itself. */
export type Effect =
  | { do: 'quit' }
  | { do: 'attach'; jobId: string; session: AgentSession; host: string | undefined }
  | { do: 'answer'; jobId: string; text: string; requestId: string | undefined }
  | { do: 'done'; jobId: string; text: string }
  | { do: 'decide'; jobId: string; requestId: string; decision: 'allow' | 'deny' }
  | { do: 'cancel'; jobId: string }
  | { do: 'delegate'; prompt: string; agent: string; session: string | undefined; start: boolean }
  | { do: 'start'; agent: string };

export function initialState(
  given: Pick<State, 'size' | 'now' | 'coloured' | 'registryDir' | 'cwd' | 'which'>,
): State {
  return {
    ...given,
    hub: 'looking',
    jobs: NO_JOBS,
    filter: '',
    selected: undefined,
    wanted: undefined,
    top: 0,
    toEnd: false,
    bell: true,
    mode: { kind: 'list' },
    note: undefined,
    detail: undefined,
    screen: undefined,
    texts: NO_TEXTS,
  };
}

let last: { jobs: Jobs; which: Which; filter: string; ids: readonly string[] } | undefined;

/** The ids that the list shows now. Cached, because they are needed several times per state. */
export function shownIds({ jobs, which, filter }: State): readonly string[] {
  if (last?.jobs !== jobs || last.which !== which || last.filter !== filter)
    last = { jobs, which, filter, ids: idsOf(jobs, which, filter) };
  return last.ids;
}

/** The note in lines above the keys: all of it, unless it would take more than its share of the screen. */
export function noteLines({ note, size: { columns, rows } }: Pick<State, 'note' | 'size'>): string[] {
  if (note === undefined) return [];
  const width = Math.max(1, columns - 2);
  const most = Math.max(1, Math.floor(rows * NOTE_SHARE));
  const lines = wrap(note.text, width);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`${lines[most - 1]} …`, width)];
}

/** How the screen is divided now: a filter changes nothing about it. */
export function layoutFor(state: State): Layout {
  const { size, jobs, which, filter } = state;
  const count = filter === '' ? shownIds(state).length : idsOf(jobs, which, '').length;
  return layoutOf(size, count, selectedRow(state)?.pane !== undefined, noteLines(state).length);
}

export function selectedRow({ jobs, selected }: State): JobRow | undefined {
  return selected === undefined ? undefined : jobs.rows.get(selected);
}

/** What is known about the selected job, once it was fetched. */
export function selectedDetail({ detail, selected }: State): Detail | undefined {
  return detail?.jobId === selected ? detail : undefined;
}
