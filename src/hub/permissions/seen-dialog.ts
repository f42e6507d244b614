import { isEvidence } from '../../job/open-requests.ts';
import { compareDialog, type ShownDialog, sameDialog } from '../dialogs/shown-dialog.ts';
import { type Hint, hintOf, onlyHint } from './hints.ts';
import {
  type End,
  each,
  opening,
  type Permission,
  type Signal,
  type State,
  type Step,
} from './permission-state.ts';

/** A dialog that is missing for less than this (ms) is being redrawn: Gemini CLI 0.61.0 draws in several steps. */
const REDRAWN_MS = 100;

/** Takes a look at the screen: finds the request that its dialog belongs to, and the dialogs that have gone. */
export function seen(state: State, signal: Signal & { type: 'seen' }): Step {
  const { dialog, now } = signal;
  // A dialog is there, but which one is unknown: the pane is too small, or a person is typing.
  if (dialog?.name === 'permission' && !dialog.isRead && state.requests.some(isOnScreen))
    return { state, actions: [] };
  const requests = state.requests.map((one) => looked(one, dialog, now));
  const isRedrawn = requests.some(
    ({ missingSince: since }) => since !== undefined && now - since < REDRAWN_MS,
  );
  if (isRedrawn) return { state: { ...state, requests }, actions: [{ do: 'lookAgain' }] };
  const isLeft = ({ stage, missingSince }: Permission) => stage === 'open' && missingSince !== undefined;
  const left = each({ ...state, requests }, (one) => (isLeft(one) ? howLeft(one, dialog) : one));
  if (dialog === undefined) return { ...left, state: { ...left.state, shown: undefined } };
  const hints = [...state.hints, ...requests.filter(isLeft).flatMap(putBack)];
  const next = place({ ...left.state, hints }, dialog, signal);
  return { state: next.state, actions: [...left.actions, ...next.actions] };
}

/** A dialog that nobody has reported counts as a request once it has lasted long enough. */
export function stood(state: State, { since, now, id }: Signal & { type: 'stood' }): Step {
  const { shown } = state;
  if (shown?.since !== since) return { state, actions: [] };
  const { dialog } = shown;
  const hint = dialog.name === 'permission' ? onlyHint(state.hints, dialog, now) : undefined;
  return openedBy(state, dialog, hint, id);
}

function openedBy(state: State, dialog: ShownDialog, hint: Hint | undefined, id: string): Step {
  const hints = state.hints.filter((one) => one !== hint);
  return opening({ ...state, hints }, { id, told: hint?.report, dialog });
}

/** True for a request whose dialog the screen may show. */
function isOnScreen({ request }: Permission): boolean {
  return request !== undefined && isEvidence(request);
}

function compare(one: Permission, dialog: ShownDialog | undefined) {
  const { request, told, dialog: before } = one;
  return request === undefined ? 'other' : compareDialog(dialog, request, { seen: before, told });
}

/** Notes whether the screen shows a request's dialog. */
function looked(one: Permission, dialog: ShownDialog | undefined, now: number): Permission {
  if (!isOnScreen(one) || one.stage === 'settling') return one;
  // A dialog that was never seen may still appear.
  const isToCome = one.told !== undefined && one.dialog === undefined;
  if (!isToCome && compare(one, dialog) === 'other') return { ...one, missingSince: one.missingSince ?? now };
  // The same dialog, redrawn or drawn further.
  const isDrawn = one.stage === 'open' && one.dialog !== undefined;
  return { ...one, missingSince: undefined, dialog: isDrawn ? dialog : one.dialog };
}

function howLeft({ told, dialog, request }: Permission, other: ShownDialog | undefined): End {
  const given = request?.decision;
  if (other !== undefined) {
    const how = given === undefined ? 'in the pane' : `after ${given} was given`;
    return {
      evidence: 'another dialog has taken its place',
      decision: `settled ${how}, or put off by the agent`,
    };
  }
  if (told !== undefined || dialog !== undefined) return { evidence: 'its dialog is gone' };
  const evidence = 'its dialog was gone when this hub first looked, after an earlier hub had ended';
  // Only an earlier hub has seen it, so it is not known who settled it.
  return { evidence, decision: given === undefined ? 'settled' : undefined };
}

/** A request that has made room for another may be asked again, without a new report. */
function putBack({ told, pid }: Permission): Hint[] {
  return told === undefined || pid !== undefined ? [] : [{ report: told }];
}

/** Finds the request that a dialog on the screen belongs to, or opens a new one. */
function place(state: State, dialog: ShownDialog, { now, id }: Signal & { type: 'seen' }): Step {
  // The request that is being recorded may be the one that it asks for.
  if (state.requests.some(({ stage }) => stage === 'opening')) return { state, actions: [] };
  const open = state.requests.filter(isOnScreen);
  if (open.some((one) => one.dialog !== undefined && sameDialog(dialog, one.dialog)))
    return { state, actions: [] };
  const unseen = open.filter((one) => one.dialog === undefined);
  const compared = unseen.map((one) => compare(one, dialog));
  const [only] = unseen.length === 1 && compared[0] === 'unknown' ? unseen : [];
  const mine = unseen[compared.indexOf('same')] ?? only;
  if (mine !== undefined)
    return each({ ...state, shown: undefined }, (one) => (one === mine ? { ...one, dialog } : one));
  const hint = dialog.name === 'permission' ? hintOf(state.hints, dialog, now) : undefined;
  if (hint !== undefined) return openedBy(state, dialog, hint, id);
  if (state.shown?.dialog.key === dialog.key) return { state, actions: [] };
  return { state: { ...state, shown: { dialog, since: now } }, actions: [{ do: 'time', since: now }] };
}
