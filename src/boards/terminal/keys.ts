import { graphemes } from '../../base/columns.ts';
import { cleanLine, sliceUnits } from '../../base/text.ts';
import { LIMITS } from '../../job/limits.ts';
import { openRequest } from '../../job/open-request.ts';
import { openRequests } from '../../job/open-requests.ts';
import { isOpen } from '../model/rows.ts';
import { shown } from './cells.ts';
import { dialogLines, isRead, openPermission, permissionText } from './dialog.ts';
import { layoutOf } from './layout.ts';
import { selectAt, settle } from './reduce.ts';
import {
  type Confirm,
  type Effect,
  type Mode,
  type State,
  selectedDetail,
  selectedRow,
  shownIds,
} from './state.ts';

/** What was pressed: the name of a key, or text that was typed or pasted in one piece. */
export type Key = { name: KeyName } | { text: string };
export type KeyName =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'tab'
  | 'clear'
  | 'quit';

interface Pressed {
  state: State;
  effect?: Effect;
}

const LIST: Mode = { kind: 'list' };
const QUESTION_CHARS = 500;
/** Letters that change no job. */
const HARMLESS = new Set(['r', '/', 'o', '?']);
const MOVES: Readonly<Record<string, KeyName>> = { j: 'down', k: 'up', g: 'home', G: 'end' };

/** Handles a key: the new state, and the effect that the key asks for. */
export function press(before: State, key: Key): Pressed {
  const state: State = { ...before, note: undefined };
  if (nameOf(key) === 'quit') return { state, effect: { do: 'quit' } };
  if (before.note?.holdsEnter && nameOf(key) === 'enter') return { state };
  const pressed = inMode(state, key);
  return { ...pressed, state: settle(pressed.state, before) };
}

function inMode(state: State, key: Key): Pressed {
  switch (state.mode.kind) {
    case 'help':
      return { state: { ...state, mode: LIST } };
    case 'filter':
      return { state: typeFilter(state, state.mode.before, key) };
    case 'answer':
      return typeAnswer(state, state.mode, key);
    case 'confirm':
      return confirm(state, state.mode, key);
    case 'list':
      if ('name' in key) return move(state, key.name);
      return key.text.length === 1 ? command(state, key.text) : { state: many(state, key.text) };
  }
}

/** Handles keys that arrived in one piece: typed fast, held down, or pasted into the wrong place. */
function many(state: State, text: string): State {
  const [first = '', ...rest] = [...text];
  // They may move, look and start a line; a key that changes a job must be pressed by itself.
  const next = HARMLESS.has(first) || first in MOVES ? command(state, first).state : state;
  if (rest.length === 0) return next;
  return next.mode.kind === 'list' ? many(next, rest.join('')) : inMode(next, { text: rest.join('') }).state;
}

function move(state: State, name: KeyName | undefined): Pressed {
  const { list } = layoutOf(state.size);
  const ids = shownIds(state);
  const place = state.selected === undefined ? 0 : Math.max(0, ids.indexOf(state.selected));
  if (name === 'enter') return attach(state);
  if (name === 'escape') return { state: { ...state, filter: '' } };
  if (name === 'end') return { state: selectAt({ ...state, toEnd: true }, ids.length - 1) };
  const places: Partial<Record<KeyName, number>> = {
    ...{ up: place - 1, down: place + 1, home: 0 },
    ...{ pageUp: place - list, pageDown: place + list },
  };
  const index = name === 'tab' ? nextInNeed(state, ids, place) : name && places[name];
  return { state: index === undefined ? state : selectAt({ ...state, toEnd: false }, index) };
}

/** The next job that waits for someone, wrapping around at the end of the list. */
function nextInNeed({ jobs }: State, ids: readonly string[], place: number): number {
  const steps = ids.map((_, step) => (place + 1 + step) % ids.length);
  return steps.find((at) => jobs.rows.get(ids[at] ?? '')?.needs_you === true) ?? place;
}

const COMMANDS: Readonly<Record<string, (state: State) => Pressed>> = {
  q: (state) => ({ state, effect: { do: 'quit' } }),
  a: attach,
  r: (state) => ({ state: answer(state) }),
  y: (state) => ({ state: decide(state, 'allow') }),
  n: (state) => ({ state: decide(state, 'deny') }),
  c: (state) => ({ state: cancel(state) }),
  '/': (state) => ({ state: { ...state, mode: { kind: 'filter', before: state.filter } } }),
  o: (state) => ({ state: { ...state, which: state.which === 'all' ? 'open' : 'all', toEnd: false } }),
  '?': (state) => ({ state: { ...state, mode: { kind: 'help' } } }),
};

function command(state: State, letter: string): Pressed {
  return COMMANDS[letter]?.(state) ?? move(state, MOVES[letter]);
}

function attach(state: State): Pressed {
  const detail = selectedDetail(state);
  const session = detail?.record.agent_session;
  if (detail === undefined) return { state: refuse(state, 'No job is selected yet.') };
  if (session === undefined) return { state: refuse(state, 'This job has no pane to attach to.') };
  return { state, effect: { do: 'attach', jobId: detail.jobId, session } };
}

function answer(state: State): State {
  const detail = selectedDetail(state);
  if (detail === undefined) return refuse(state, 'No job is selected yet.');
  const { record, jobId } = detail;
  if (record.final_at !== undefined)
    return refuse(state, `The job is ${record.status}: there is nothing to answer.`);
  const [request] = openRequests(record, 'question');
  const question = request && shown(cleanLine(request.text, QUESTION_CHARS));
  return { ...state, mode: { kind: 'answer', jobId, text: '', question, requestId: request?.request_id } };
}

function decide(state: State, what: 'allow' | 'deny'): State {
  const detail = selectedDetail(state);
  if (detail === undefined) return refuse(state, 'No job is selected yet.');
  const request = openPermission(detail.record);
  if (request === undefined) {
    const asks = openRequest(detail.record) === undefined ? '' : ' r answers its question.';
    return refuse(state, `The job is not asking for permission.${asks}`);
  }
  const { request_id: requestId } = request;
  const text = permissionText(request);
  return { ...state, mode: { kind: 'confirm', what, jobId: detail.jobId, requestId, text, top: 0 } };
}

function cancel(state: State): State {
  const row = selectedRow(state);
  if (row === undefined) return refuse(state, 'No job is selected yet.');
  if (!isOpen(row)) return refuse(state, `The job is ${row.status} already.`);
  const text = `${row.job_id}\n\n${row.prompt_preview}\n\nIts peer is told in the reply to its next report; its pane is left alone.`;
  return { ...state, mode: { kind: 'confirm', what: 'cancel', jobId: row.job_id, text, top: 0 } };
}

function confirm(state: State, mode: Confirm, key: Key): Pressed {
  const { lines, room } = dialogLines(state, mode);
  const name = 'name' in key ? key.name : MOVES[key.text];
  const steps: Partial<Record<KeyName, number>> = {
    ...{ down: 1, up: -1, pageDown: room, pageUp: -room },
    end: lines.length,
  };
  const by = name && steps[name];
  if (by !== undefined) {
    const top = Math.max(0, Math.min(lines.length - room, mode.top + by));
    return { state: { ...state, mode: { ...mode, top } } };
  }
  if (name === 'enter') {
    if (!isRead(state, mode)) return { state: refuse(state, 'There is more to read: PgDn shows it.') };
    return { state: { ...state, mode: LIST }, effect: effectOf(mode) };
  }
  return name === 'escape' || 'text' in key ? { state: { ...state, mode: LIST } } : { state };
}

function effectOf({ what, jobId, requestId = '' }: Confirm): Effect {
  return what === 'cancel' ? { do: 'cancel', jobId } : { do: 'decide', jobId, requestId, decision: what };
}

function typeAnswer(state: State, mode: Mode & { kind: 'answer' }, key: Key): Pressed {
  const name = nameOf(key);
  const text = mode.text.trim();
  if (name === 'escape' || (name === 'enter' && text === '')) return { state: { ...state, mode: LIST } };
  if (name !== 'enter') return { state: { ...state, mode: { ...mode, text: typed(mode.text, key) } } };
  const { jobId, requestId } = mode;
  return { state: { ...state, mode: LIST }, effect: { do: 'answer', jobId, text, requestId } };
}

function typeFilter(state: State, before: string, key: Key): State {
  const name = nameOf(key);
  if (name === 'escape') return { ...state, mode: LIST, filter: before };
  if (name === 'enter') return { ...state, mode: LIST };
  if (name === 'up' || name === 'down') return move(state, name).state;
  return { ...state, filter: typed(state.filter, key), top: 0, toEnd: false };
}

function nameOf(key: Key): KeyName | undefined {
  return 'name' in key ? key.name : undefined;
}

/** A line's text after a key was pressed. */
function typed(text: string, key: Key): string {
  if ('text' in key) {
    const added = shown(key.text.replace(/\s/g, ' '));
    return sliceUnits(text + added, 0, LIMITS.detailChars);
  }
  if (key.name === 'backspace') return graphemes(text).slice(0, -1).join('');
  return key.name === 'clear' ? '' : text;
}

function refuse(state: State, text: string): State {
  return { ...state, note: { text, bad: true } };
}
