import { cleanAll } from '../../base/text.ts';
import { openRequests } from '../../job/open-requests.ts';
import { ageText } from '../../view/marks.ts';
import { countText } from '../model/rows.ts';
import { shown } from './cells.ts';
import { countOf, type Which, withEvents, withPage } from './jobs.ts';
import { type Action, type Detail, layoutFor, type State, shownIds } from './state.ts';

/** How many rows below the screen are fetched in advance. */
const AHEAD = 50;

/** The board's state after an action. */
export function reduce(state: State, action: Action): State {
  return settle(apply(state, action), state);
}

/** The part of the list that lacks rows which the screen needs, if one does. */
export function wantsMore(state: State): Which | undefined {
  const { parts } = state.jobs;
  if (!parts.open.loaded || !parts.all.loaded) return undefined;
  if (parts.open.cursor !== undefined) return 'open';
  if (state.which === 'open' || parts.all.cursor === undefined) return undefined;
  const wanted = state.top + layoutFor(state).list.height + AHEAD;
  return state.toEnd || shownIds(state).length < wanted ? 'all' : undefined;
}

/** Moves the selection to a row of the list, or to the nearest one. */
export function selectAt(state: State, index: number): State {
  const ids = shownIds(state);
  const place = Math.max(0, Math.min(ids.length - 1, index));
  return inSight({ ...state, selected: ids[place] }, place);
}

/** Keeps the selection on its job, if that is still listed, and on the screen. */
export function settle(state: State, before: State): State {
  // Until the jobs that need someone are known, nothing is selected: the cursor begins on the first of them.
  if (!state.jobs.ready) return state;
  const ids = shownIds(state);
  const { wanted } = state;
  if (wanted !== undefined && ids.includes(wanted))
    return selectAt({ ...state, wanted: undefined, toEnd: false }, ids.indexOf(wanted));
  if (state.toEnd && ids.length > 0) return selectAt(state, ids.length - 1);
  const old = shownIds(before);
  const isSame = state.size === before.size && state.note === before.note;
  if (ids === old && isSame && state.selected === before.selected) return state;
  const was = before.selected === undefined ? 0 : Math.max(0, old.indexOf(before.selected));
  const place = state.selected === undefined ? -1 : ids.indexOf(state.selected);
  if (place < 0) return selectAt(state, was);
  // New jobs above do not scroll the list while someone reads it, except at its top.
  const top = state.top > 0 && state.selected === before.selected ? state.top + place - was : state.top;
  return inSight({ ...state, top }, place);
}

function inSight(state: State, place: number): State {
  const { height } = layoutFor(state).list;
  const most = Math.max(0, shownIds(state).length - height);
  const top = Math.min(most, Math.max(place - height + 1, Math.min(place, state.top)));
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
    case 'delegated':
      return delegated(state, action);
    case 'refused':
      return refused(state, action.text);
    case 'read':
      return { ...state, texts: { ...state.texts, ...action.texts } };
    case 'unread':
      return { ...state, texts: { ...state.texts, failed: { what: action.what, text: shown(action.text) } } };
  }
}

/** A registry's content, made safe for a screen. Names that tmux and the system get must stay unchanged. */
function harmless({ record, ...rest }: Detail): Detail {
  const { agent_session, workdir, ...shared } = record;
  return { ...cleanAll(rest), record: { ...cleanAll(shared), agent_session, workdir } };
}

/** Goes to the new job; a person who has left the form meanwhile is only told. */
function delegated(state: State, { jobId, text, bad }: Action & { type: 'delegated' }): State {
  const note = { text: shown(text), bad };
  if (!isSent(state)) return { ...state, note };
  return { ...state, mode: { kind: 'list' }, filter: '', wanted: jobId, note };
}

/** The form stays as it was filled in, with the reason. */
function refused(state: State, reason: string): State {
  const text = shown(reason);
  const { mode } = state;
  if (mode.kind !== 'form' || !mode.sent) return { ...state, note: { text, bad: true } };
  return { ...state, mode: { ...mode, sent: false, problem: text } };
}

function isSent({ mode }: State): boolean {
  return mode.kind === 'form' && mode.sent;
}

/** True if an age on the screen has changed: otherwise there is nothing to draw. */
function agesChange(state: State, now: number): boolean {
  const { height } = layoutFor(state).list;
  const ids = shownIds(state).slice(state.top, state.top + height);
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
  if (state.hub === 'looking') return 'looking for the hub …';
  return state.jobs.ready ? countText(countOf(state.jobs)) : 'reading the list …';
}
