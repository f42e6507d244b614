import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import type { Call } from '../dialogs/same-call.ts';
import type { ShownDialog } from '../dialogs/shown-dialog.ts';
import type { Hint } from './hints.ts';

/** How far a request has got. */
type Stage = 'opening' | 'open' | 'deciding' | 'given' | 'settling';

/** One permission request, and what is known about it beyond its record. */
export interface Permission {
  readonly id: string;
  readonly stage: Stage;
  /** As it is in the record; absent until it has been recorded. */
  readonly request?: PeerRequest | undefined;
  /** What its hook reported. */
  readonly told?: HookReport | undefined;
  /** The process of the hook that is waiting for the decision. */
  readonly pid?: number | undefined;
  /** The dialog that asks for it, once it has been seen. */
  readonly dialog?: ShownDialog | undefined;
  /** Since when (ms) the screen has not shown that dialog. */
  readonly missingSince?: number | undefined;
  /** What hooks have reported about its end while it was being recorded, or since a decision was given. */
  readonly heard: readonly HookReport[];
}

/** All that the hub knows about the permissions that one job asks for. */
export interface State {
  /** What hooks have reported about dialogs that are still to come. */
  readonly hints: readonly Hint[];
  /** A dialog without a known request, and since when (ms) it has been on the screen. */
  readonly shown?: { readonly dialog: ShownDialog; readonly since: number } | undefined;
  readonly requests: readonly Permission[];
}

export const NOTHING: State = { hints: [], requests: [] };

/** How a request ended. */
export interface End {
  readonly evidence: string;
  /** What was decided here, or how it was settled elsewhere; absent if the pane settled it, perhaps by a decision given to it. */
  readonly decision?: string | undefined;
}

/** An input of the state machine. `now` is in ms on a monotonic clock; `id` is for a request that it may open. */
export type Signal =
  /** A hook that does not wait reports what the next dialog asks for. */
  | { type: 'hinted'; report: HookReport; now: number }
  /** A hook asks and waits for the decision, on the request that `askedBefore` found, or a new one. */
  | { type: 'asked'; report: HookReport; pid: number; id: string }
  /** A hook reports how a call or the turn ended. */
  | { type: 'told'; report: HookReport; pid?: number | undefined }
  /** The screen shows this dialog, or none. */
  | { type: 'seen'; dialog: ShownDialog | undefined; now: number; id: string }
  /** The dialog that has been shown since `since` has lasted long enough to count as a request. */
  | { type: 'stood'; since: number; now: number; id: string }
  /** The record has changed: these requests are open in it. */
  | { type: 'recorded'; open: readonly PeerRequest[] }
  /** The write of a request, or of its end, is over: what is not in the record now was not written. */
  | { type: 'tried'; write: 'open' | 'resolve'; id: string }
  /** Someone decides; the decision is about to be given to the agent; the decision is over, whatever its result. */
  | { type: 'decide' | 'give' | 'release'; id: string }
  /** The decider knows how the request ended. */
  | ({ type: 'settle'; id: string } & End)
  | { type: 'ended' };

/** What must be done after a signal. */
export type Action =
  /** Record that a permission is required. */
  | { do: 'open'; id: string; source: 'hook' | 'hub'; asked: Call; remedy?: string | undefined }
  /** Record how a request ended. */
  | ({ do: 'resolve'; id: string } & End)
  /** Let the waiting hook go on without a decision. */
  | { do: 'free'; id: string }
  /** Send `stood` once the dialog has lasted long enough. */
  | { do: 'time'; since: number }
  /** Look again soon: a dialog is missing, but perhaps only being redrawn. */
  | { do: 'lookAgain' };

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** Opens a request from a hook's report, or else from its dialog. */
export function opening(state: State, { id, told, pid, dialog }: Omit<Permission, 'stage' | 'heard'>): Step {
  const remedy = told === undefined && dialog?.isRead === false ? dialog.remedy : undefined;
  const source = told === undefined ? 'hub' : 'hook';
  const one: Permission = { id, stage: 'opening', told, pid, dialog, heard: [] };
  return {
    state: { ...state, shown: undefined, requests: [...state.requests, one] },
    actions: [{ do: 'open', id, source, asked: told ?? dialog ?? {}, remedy }],
  };
}

/** Changes requests one by one; where a change returns an end, that is to be recorded. */
export function each(state: State, change: (one: Permission) => Permission | End): Step {
  const actions: Action[] = [];
  const requests = state.requests.map((one): Permission => {
    const next = change(one);
    if ('stage' in next) return next;
    const given = one.request?.decision;
    const decision = next.decision ?? (given && `settled after ${given} was given`);
    actions.push({ do: 'resolve', id: one.id, evidence: next.evidence, decision });
    return { ...one, stage: 'settling' };
  });
  return { state: { ...state, requests }, actions };
}
