import { attach, COMMANDS, type Pressed, refuse } from './commands.ts';
import { dialogLines, linesBelow } from './dialog.ts';
import { fillIn } from './form.ts';
import { type Key, type KeyName, MOVES, nameOf } from './key.ts';
import { choose } from './menu.ts';
import { pageBy } from './pager.ts';
import { selectAt, settle } from './reduce.ts';
import { type Confirm, type Effect, type Line, layoutFor, type Mode, type State, shownIds } from './state.ts';
import { typed } from './typing.ts';

const LIST: Mode = { kind: 'list' };

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
    case 'filter':
      return { state: typeFilter(state, state.mode.before, key) };
    case 'line':
      return typeLine(state, state.mode, key);
    case 'confirm':
      return confirm(state, state.mode, key);
    case 'pager':
      return { state: pageBy(state, state.mode, key) };
    case 'form':
      return fillIn(state, state.mode, key);
    case 'menu':
      return choose(state, state.mode, key);
    case 'list':
      if ('name' in key) return move(state, key.name);
      return key.text.length === 1 ? command(state, key.text) : { state: many(state, key.text) };
  }
}

/** Handles keys that arrived in one piece: typed fast, held down, or pasted into the wrong place. */
function many(state: State, text: string): State {
  const [first = '', ...rest] = [...text];
  // They may move, look and start a line; a key that changes a job must be pressed by itself.
  const isHarmless = first in MOVES || (Object.hasOwn(COMMANDS, first) && COMMANDS[first]?.acts !== true);
  const next = isHarmless ? command(state, first).state : state;
  if (rest.length === 0) return next;
  return next.mode.kind === 'list' ? many(next, rest.join('')) : inMode(next, { text: rest.join('') }).state;
}

function move(state: State, name: KeyName | undefined): Pressed {
  const { list } = layoutFor(state);
  const ids = shownIds(state);
  const place = state.selected === undefined ? 0 : Math.max(0, ids.indexOf(state.selected));
  if (name === 'enter') return attach(state);
  if (name === 'escape') return { state: { ...state, filter: '' } };
  if (name === 'end') return { state: selectAt({ ...state, toEnd: true }, ids.length - 1) };
  const places: Partial<Record<KeyName, number>> = {
    ...{ up: place - 1, down: place + 1, home: 0 },
    ...{ pageUp: place - list.height, pageDown: place + list.height },
  };
  const index = name === 'tab' ? nextInNeed(state, ids, place) : name && places[name];
  return { state: index === undefined ? state : selectAt({ ...state, toEnd: false }, index) };
}

/** The next job that waits for someone, wrapping around at the end of the list. */
function nextInNeed({ jobs }: State, ids: readonly string[], place: number): number {
  const steps = ids.map((_, step) => (place + 1 + step) % ids.length);
  return steps.find((at) => jobs.rows.get(ids[at] ?? '')?.needs_you === true) ?? place;
}

function command(state: State, letter: string): Pressed {
  const known = Object.hasOwn(COMMANDS, letter) ? COMMANDS[letter] : undefined;
  return known?.run(state) ?? move(state, MOVES[letter]);
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
    if (linesBelow(state, mode) > 0) return { state: refuse(state, 'There is more to read: PgDn shows it.') };
    return { state: { ...state, mode: LIST }, effect: effectOf(mode) };
  }
  return name === 'escape' || 'text' in key ? { state: { ...state, mode: LIST } } : { state };
}

function effectOf({ what, jobId, requestId = '' }: Confirm): Effect {
  return what === 'cancel' ? { do: 'cancel', jobId } : { do: 'decide', jobId, requestId, decision: what };
}

function typeLine(state: State, mode: Line, key: Key): Pressed {
  const name = nameOf(key);
  const text = mode.text.trim();
  const back: State = { ...state, mode: LIST };
  if (name === 'escape') return { state: back };
  if (name !== 'enter') return { state: { ...state, mode: { ...mode, text: typed(mode.text, key) } } };
  const { jobId, requestId } = mode;
  if (mode.what === 'answer')
    return text === '' ? { state: back } : { state: back, effect: { do: 'answer', jobId, text, requestId } };
  if (text === '') return { state: refuse(back, 'Nothing was reported: d asks for the outcome again.') };
  return { state: back, effect: { do: 'done', jobId, text } };
}

function typeFilter(state: State, before: string, key: Key): State {
  const name = nameOf(key);
  if (name === 'escape') return { ...state, mode: LIST, filter: before };
  if (name === 'enter') return { ...state, mode: LIST };
  if (name === 'up' || name === 'down') return move(state, name).state;
  return { ...state, filter: typed(state.filter, key), top: 0, toEnd: false };
}
