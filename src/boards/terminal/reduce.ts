import { cleanAll } from '../../base/text.ts';
import { openRequests } from '../../job/open-requests.ts';
import { ageText } from '../../view/marks.ts';
import { countText } from '../model/rows.ts';
import { shown } from './cells.ts';
import { countOf, withEvents, withPage } from './jobs.ts';
import { layoutOf } from './layout.ts';
import { type Action, type Detail, type State, shownIds } from './state.ts';

/** How many rows below the screen are fetched in advance. */
const AHEAD = 50;

/** The board's state after an action. */
export function reduce(state: State, action: Action): State {
  return settle(apply(state, action), state);
}

/** True if the list lacks rows that the screen needs. */
export function wantsMore(state: State): boolean {
  const part = state.jobs.parts[state.which];
  if (!part.loaded || part.cursor === undefined) return false;
  return state.toEnd || shownIds(state).length < state.top + layoutOf(state.size).list + AHEAD;
}

/** Moves the selection to a row of the list, or to the nearest one. */
export function selectAt(state: State, index: number): State {
  const ids = shownIds(state);
  const place = Math.max(0, Math.min(ids.length - 1, index));
  return inSight({ ...state, selected: ids[place] }, place);
}

/** Keeps the selection on its job, if that is still listed, and on the screen. */
export function settle(state: State, before: State): State {
  const ids = shownIds(state);
  if (state.toEnd && ids.length > 0) return selectAt(state, ids.length - 1);
  const old = shownIds(before);
  if (ids === old && state.size === before.size && state.selected === before.selected) return state;
  const was = before.selected === undefined ? 0 : Math.max(0, old.indexOf(before.selected));
  const place = state.selected === undefined ? -1 : ids.indexOf(state.selected);
  if (place < 0) return selectAt(state, was);
  // New jobs above do not scroll the list while someone reads it, except at its top.
  const top = state.top > 0 && state.selected === before.selected ? state.top + place - was : state.top;
  return inSight({ ...state, top }, place);
}

function inSight(state: State, place: number): State {
  const { list } = layoutOf(state.size);
  const most = Math.max(0, shownIds(state).length - list);
  const top = Math.min(most, Math.max(place - list + 1, Math.min(place, state.top)));
  return top === state.top ? state : { ...state, top: Math.max(0, top) };
}

function apply(state: State, action: Action): State {
  switch (action.type) {
    case 'resized':
      return { ...state, size: action.size };
    case 'ticked':
      return agesChange(state, action.now) ? { ...state, now: action.now } : state;
    case 'hub':
      return hubIs(state, action.hub);
    case 'listed':
      return { ...state, jobs: withPage(state.jobs, action.which, action.first, action.page) };
    case 'heard': {
      const jobs = withEvents(state.jobs, action.messages, state.registryDir);
      return jobs === state.jobs ? state : { ...state, jobs };
    }
    case 'looked':
      return withoutSettled({ ...state, detail: harmless(action.detail) });
    case 'screened':
      return { ...state, screen: { ...cleanAll(action.screen), jobId: action.jobId } };
    case 'told':
      return { ...state, note: { ...action.note, text: shown(action.note.text) } };
    case 'over':
      return state.note?.text === shown(action.text) ? { ...state, note: undefined } : state;
  }
}

/** A registry's content, made safe for a screen. The session name must stay unchanged, for tmux. */
function harmless({ record, ...rest }: Detail): Detail {
  const { agent_session, ...shared } = record;
  return { ...cleanAll(rest), record: { ...cleanAll(shared), agent_session } };
}

/** True if an age on the screen has changed: otherwise there is nothing to draw. */
function agesChange(state: State, now: number): boolean {
  const { list } = layoutOf(state.size);
  const ids = shownIds(state).slice(state.top, state.top + list);
  return [...ids, state.selected].some((id) => {
    const made = Date.parse(state.jobs.rows.get(id ?? '')?.created_at ?? '');
    return ageText(now - made) !== ageText(state.now - made);
  });
}

function hubIs(state: State, hub: State['hub']): State {
  if (state.hub === hub) return state;
  if (hub === 'lost') return { ...state, hub };
  const back = state.hub === 'lost';
  return { ...state, hub, ...(back && { note: { text: 'The hub is back.', bad: false } }) };
}

/** Closes the question about a request that was resolved meanwhile. */
function withoutSettled(state: State): State {
  const { mode, detail } = state;
  if (mode.kind !== 'confirm' || detail?.jobId !== mode.jobId) return state;
  const { requestId } = mode;
  const { record } = detail;
  const isOpen =
    requestId === undefined
      ? record.final_at === undefined
      : openRequests(record).some((one) => one.request_id === requestId);
  if (isOpen) return state;
  const isJob = requestId === undefined;
  const text = isJob ? `The job is now ${record.status}.` : 'That request was resolved meanwhile.';
  return { ...state, mode: { kind: 'list' }, note: { text, bad: false, holdsEnter: true } };
}

/** The first line of the board, in words. */
export function headline(state: State): string {
  return state.hub === 'looking' ? 'looking for the hub …' : countText(countOf(state.jobs));
}
