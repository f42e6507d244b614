import { cleanLine } from '../../base/text.ts';
import { LOST } from '../../job/home-state.ts';
import { openRequests } from '../../job/open-requests.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import { isOpen } from '../model/rows.ts';
import { shown } from './cells.ts';
import { openPermission, openWay, permissionText } from './dialog.ts';
import { openForm } from './form.ts';
import { openMenu } from './menu.ts';
import { openPager } from './pager.ts';
import { type Effect, type State, selectedDetail, selectedRow } from './state.ts';

export interface Pressed {
  state: State;
  effect?: Effect;
}

/** A letter of the list, and what it does. */
interface Command {
  run: (state: State) => Pressed;
  /** What it would do now, in a word or two; undefined if it would do nothing. */
  word: (state: State) => string | undefined;
  /** It changes a job, so it must be pressed by itself, and not come with other keys in one piece. */
  acts?: true;
}

const QUESTION_CHARS = 500;

/** The letters, in the order of the footer: those for a job that needs someone come first. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  y: {
    run: (state) => ({ state: decide(state, 'allow') }),
    word: (state) => (asksPermission(state) ? 'allow' : undefined),
    acts: true,
  },
  n: {
    run: (state) => ({ state: asksPermission(state) ? decide(state, 'deny') : openForm(state) }),
    word: (state) => (asksPermission(state) ? 'deny' : undefined),
    acts: true,
  },
  r: { run: (state) => ({ state: answer(state) }), word: answerWord },
  d: {
    run: (state) => ({ state: finish(state) }),
    word: (state) => (isPersons(state) ? 'done' : undefined),
    acts: true,
  },
  a: { run: attach, word: () => undefined, acts: true },
  p: { run: (state) => ({ state: read(state, 'prompt') }), word: selectedWord('prompt') },
  l: { run: (state) => ({ state: read(state, 'log') }), word: selectedWord('log') },
  D: {
    run: (state) => ({ state: read(state, 'changes') }),
    word: selectedWord('changes'),
  },
  c: {
    run: (state) => ({ state: cancel(state) }),
    word: (state) => (isSelectedOpen(state) ? 'cancel' : undefined),
    acts: true,
  },
  N: { run: (state) => ({ state: openForm(state) }), word: () => undefined },
  s: { run: (state) => ({ state: openMenu(state) }), word: () => 'start agent' },
  '/': {
    run: (state) => ({ state: { ...state, mode: { kind: 'filter', before: state.filter } } }),
    word: () => 'filter',
  },
  o: {
    run: (state) => ({
      state: { ...state, which: state.which === 'all' ? 'open' : 'all', toEnd: false },
    }),
    word: ({ which }) => (which === 'all' ? 'open only' : 'all'),
  },
  b: {
    run: (state) => ({ state: { ...state, bell: !state.bell } }),
    word: ({ bell }) => (bell ? 'bell off' : 'bell on'),
  },
  '?': { run: (state) => ({ state: openPager(state, 'help', '') }), word: () => 'help' },
  q: { run: (state) => ({ state, effect: { do: 'quit' } }), word: () => 'quit', acts: true },
};

export function attach(state: State): Pressed {
  const detail = selectedDetail(state);
  if (detail === undefined) return { state: refuse(state, unread(state)) };
  if (hasEnded(detail.record))
    return { state: refuse(state, 'The session that was started for this job has ended: l shows its log.') };
  const session = detail.record.agent_session;
  if (session === undefined) return { state: refuse(state, 'This job has no pane to attach to.') };
  const { home } = detail.record;
  return { state, effect: { do: 'attach', jobId: detail.jobId, session, host: home?.host } };
}

export function refuse(state: State, text: string): State {
  return { ...state, note: { text, bad: true } };
}

/** Why nothing can be done with the selected job at this moment. */
function unread(state: State): string {
  return selectedRow(state) === undefined
    ? 'No job is selected yet.'
    : 'This job is still being read: press the key again.';
}

/** True if there is most likely something to attach to. Of a lost agent the pane may still be there, so the key tries it. */
export function canAttach(state: State): boolean {
  const record = selectedDetail(state)?.record;
  if (record?.agent_session === undefined || hasEnded(record)) return false;
  return !(record.status === 'failed' && record.reason === 'session_lost');
}

/** True once the session that was started for the job alone is gone. */
function hasEnded({ session_end: end }: Partial<Pick<JobRecord, 'session_end'>>): boolean {
  return end?.how === 'ended' || end?.how === 'gone';
}

export function asksPermission(state: State): boolean {
  const detail = selectedDetail(state);
  return detail !== undefined && openPermission(detail.record) !== undefined;
}

function isSelectedOpen(state: State): boolean {
  const row = selectedRow(state);
  return row !== undefined && isOpen(row);
}

/** True for an open job of a person, which only a person can report done. */
function isPersons(state: State): boolean {
  return isSelectedOpen(state) && selectedRow(state)?.agent === 'human';
}

function answerWord(state: State): string | undefined {
  const detail = selectedDetail(state);
  if (detail === undefined || detail.record.final_at !== undefined) return undefined;
  if (openRequests(detail.record, 'question').length > 0) return 'answer';
  // An instruction to a person would only be in the job's record, and none is read before a dialog is answered.
  return detail.record.agent === 'human' || openWay(detail.record) === 'pane' ? undefined : 'instruct';
}

function selectedWord(word: string): (state: State) => string | undefined {
  return (state) => (selectedRow(state) === undefined ? undefined : word);
}

function answer(state: State): State {
  const detail = selectedDetail(state);
  if (detail === undefined) return refuse(state, unread(state));
  const { record, jobId } = detail;
  if (record.final_at !== undefined)
    return refuse(state, `The job is ${record.status}: there is nothing to answer.`);
  const [request] = openRequests(record, 'question');
  const question = request && shown(cleanLine(request.text, QUESTION_CHARS));
  const label = question === undefined ? ' instruction: ' : ` ${question} answer: `;
  const mode = {
    kind: 'line',
    what: 'answer',
    jobId,
    text: '',
    label,
    requestId: request?.request_id,
  } as const;
  return { ...state, mode };
}

function finish(state: State): State {
  const row = selectedRow(state);
  if (row === undefined) return refuse(state, 'No job is selected yet.');
  if (!isOpen(row)) return refuse(state, overText(row));
  if (row.agent !== 'human')
    return refuse(state, `Only ${row.agent} itself can report this job done; r gives it an instruction.`);
  const label = ' done, with the outcome: ';
  return { ...state, mode: { kind: 'line', what: 'done', jobId: row.job_id, text: '', label } };
}

function decide(state: State, what: 'allow' | 'deny'): State {
  const detail = selectedDetail(state);
  if (detail === undefined) return refuse(state, unread(state));
  const request = openPermission(detail.record);
  if (request === undefined) {
    const way = openWay(detail.record);
    if (way === 'pane')
      return refuse(state, 'This dialog can only be answered in its pane: Enter attaches to it.');
    return refuse(
      state,
      `The job is not asking for permission.${way === undefined ? '' : ' r answers its question.'}`,
    );
  }
  const { request_id: requestId } = request;
  const text = permissionText(request);
  return { ...state, mode: { kind: 'confirm', what, jobId: detail.jobId, requestId, text, top: 0 } };
}

function cancel(state: State): State {
  const row = selectedRow(state);
  if (row === undefined) return refuse(state, 'No job is selected yet.');
  if (!isOpen(row)) return refuse(state, overText(row));
  const end =
    row.agent === 'human'
      ? 'Whoever delegated it is notified.'
      : 'Its peer is notified in the answer to its next report; its pane is left alone.';
  const text = `${row.job_id}\n\n${row.prompt_preview}\n\n${end}`;
  return { ...state, mode: { kind: 'confirm', what: 'cancel', jobId: row.job_id, text, top: 0 } };
}

function read(state: State, what: 'prompt' | 'log' | 'changes'): State {
  const row = selectedRow(state);
  if (row === undefined) return refuse(state, 'No job is selected yet.');
  return openPager(state, what, row.job_id);
}

/** Why nothing can be done about a job that is over. */
function overText({ reason, status }: JobRow): string {
  return `The job is ${reason === LOST ? LOST : status} already.`;
}
