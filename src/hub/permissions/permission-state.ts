import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import type { Call } from '../dialogs/same-call.ts';
import type { ShownDialog } from '../dialogs/shown-dialog.ts';
import type { Hint } from './hints.ts';

/** How far a request has got. */
export type Stage = 'opening' | 'open' | 'deciding' | 'given' | 'settling';

/** One permission request, and what is known of it beyond its record. */
export interface Permission {
  readonly id: string;
  readonly stage: Stage;
  /** As it is in the record; nothing while it is on its way there. */
  readonly request?: PeerRequest | undefined;
  /** What its hook reported. */
  readonly told?: HookReport | undefined;
  /** The process of the hook that waits for the decision. */
  readonly pid?: number | undefined;
  /** The dialog that asks for it, once it was seen. */
  readonly dialog?: ShownDialog | undefined;
  /** Since when (ms) the screen has not shown that dialog. */
  readonly missingSince?: number | undefined;
  /** What hooks have reported of its end while it was being written down, or since a decision was given. */
  readonly heard: readonly HookReport[];
}

/** All that the hub knows of the permissions that one job asks for. */
export interface State {
  /** What hooks have reported of dialogs that are still to come. */
  readonly hints: readonly Hint[];
  /** A dialog that no request is known for, and since when (ms) it is on the screen. */
  readonly shown?: { readonly dialog: ShownDialog; readonly since: number } | undefined;
  readonly requests: readonly Permission[];
}

export const NOTHING: State = { hints: [], requests: [] };

/** How a request ended. */
export interface End {
  readonly evidence: string;
  /** What was decided here, or how it was settled elsewhere; without it, in the pane. */
  readonly decision?: string | undefined;
}

/** What happens. `now` is in ms on a monotonic clock; `id` is for the request that may be opened by it. */
export type Signal =
  /** A hook that does not wait reports what the next dialog asks for. */
  | { type: 'hinted'; report: HookReport; now: number }
  /** A hook asks and waits for the decision, on the request that `askedBefore` has found or a new one. */
  | { type: 'asked'; report: HookReport; pid: number; id: string }
  /** A hook reports what became of a call or of the turn. */
  | { type: 'told'; report: HookReport; pid?: number | undefined }
  /** The screen shows this dialog, or none. */
  | { type: 'seen'; dialog: ShownDialog | undefined; now: number; id: string }
  /** The dialog that has been shown since then has had its time. */
  | { type: 'stood'; since: number; now: number; id: string }
  /** The record has changed: these requests are open in it. */
  | { type: 'recorded'; open: readonly PeerRequest[] }
  /** A request, or its end, is no longer on its way to the disk: what is not in the record by now is not written. */
  | { type: 'tried'; id: string }
  /** Someone decides; the agent is about to be given the decision; the decision is over, whatever came of it. */
  | { type: 'decide' | 'give' | 'release'; id: string }
  /** Whoever decides knows how the request ended. */
  | ({ type: 'settle'; id: string } & End)
  /** The job has ended. */
  | { type: 'ended' };

/** What is to be done then. */
export type Action =
  /** Write down that a permission is required. */
  | { do: 'open'; id: string; source: 'hook' | 'hub'; asked: Call; remedy?: string | undefined }
  /** Write down how a request ended. */
  | ({ do: 'resolve'; id: string } & End)
  /** Let the hook that waits go on without a decision. */
  | { do: 'free'; id: string }
  /** Send `stood` once the dialog has had its time. */
  | { do: 'time'; since: number }
  /** Look once more soon: a dialog is missing that may just be drawn anew. */
  | { do: 'lookAgain' };

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** Opens a request: by what a hook reported, else by its dialog. */
export function opening(state: State, { id, told, pid, dialog }: Omit<Permission, 'stage' | 'heard'>): Step {
  const remedy = told === undefined && dialog?.isRead === false ? dialog.remedy : undefined;
  const source = told === undefined ? 'hub' : 'hook';
  const one: Permission = { id, stage: 'opening', told, pid, dialog, heard: [] };
  return {
    state: { ...state, shown: undefined, requests: [...state.requests, one] },
    actions: [{ do: 'open', id, source, asked: told ?? dialog ?? {}, remedy }],
  };
}

/** Changes requests one by one; where that gives an end, it is to be written down. */
export function each(state: State, change: (one: Permission) => Permission | End): Step {
  const actions: Action[] = [];
  const requests = state.requests.map((one): Permission => {
    const next = change(one);
    if ('stage' in next) return next;
    actions.push({ do: 'resolve', id: one.id, evidence: next.evidence, decision: next.decision });
    return { ...one, stage: 'settling' };
  });
  return { state: { ...state, requests }, actions };
}
