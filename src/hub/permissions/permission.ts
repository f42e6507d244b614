import type { HookReport } from '../../job/hook.ts';
import { isEvidence } from '../../job/open-requests.ts';
import type { PeerRequest } from '../../job/record.ts';
import { asksTheSame } from '../dialogs/permission-draft.ts';
import { withHint } from './hints.ts';
import {
  type Action,
  type End,
  each,
  NOTHING,
  opening,
  type Permission,
  type Signal,
  type State,
  type Step,
} from './permission-state.ts';
import { seen, stood } from './seen-dialog.ts';

/** What a hook's report proves about the request that it concerns. */
const PROOF: Partial<Record<HookReport['type'], string>> = {
  permission_settled: 'the agent says that it was settled',
  tool_used: 'the tool has run',
  turn_ended: 'the turn has ended',
  interrupted: 'the turn has ended',
  api_error: 'the turn has ended',
};

/**
 * The next state of a job's permissions after a signal, and what must be done then. Pure, except that comparing a request
 * may read a long input's file. `docs/design.md` has the table.
 */
export function step(state: State, signal: Signal): Step {
  switch (signal.type) {
    case 'hinted':
      return only({ ...state, hints: withHint(state.hints, signal.report, signal.now) });
    case 'asked':
      return asked(state, signal);
    case 'told':
      return told(state, signal);
    case 'seen':
      return seen(state, signal);
    case 'stood':
      return stood(state, signal);
    case 'recorded':
      return recorded(state, signal.open);
    case 'tried':
      return tried(state, signal);
    case 'ended':
      return { state: NOTHING, actions: drop(state, () => true).actions };
    default:
      return each(state, (one) => (one.id === signal.id ? decided(one, signal) : one));
  }
}

/** The id of the open request that this hook repeats, because the hub that it asked first has ended. */
export function askedBefore({ requests }: State, report: HookReport): string | undefined {
  return requests.find(
    ({ request, pid }) =>
      request !== undefined && isEvidence(request) && pid === undefined && asksTheSame(request, report),
  )?.id;
}

function only(state: State): Step {
  return { state, actions: [] };
}

function asked(state: State, { id, report, pid }: Signal & { type: 'asked' }): Step {
  if (!state.requests.some((one) => one.id === id)) return opening(state, { id, told: report, pid });
  const known = { ...state, shown: undefined };
  return each(known, (one) => (one.id === id ? { ...one, told: report, pid } : one));
}

/** A hook's report settles a request; once a decision was given, the report is its effect. */
function told(state: State, { report, pid }: Signal & { type: 'told' }): Step {
  const evidence = PROOF[report.type];
  if (evidence === undefined) return only(state);
  return each(isOfTurn(report) ? { ...state, hints: [] } : state, (one) => {
    if (one.stage === 'settling' || !isAbout(one, report, pid)) return one;
    if (one.stage === 'open' || one.stage === 'deciding') return { evidence };
    return { ...one, heard: [...one.heard, report] };
  });
}

function isOfTurn({ type }: HookReport): boolean {
  return type !== 'permission_settled' && type !== 'tool_used';
}

/** True for a report on how this request ended. */
function isAbout(one: Permission, report: HookReport, from: number | undefined): boolean {
  const { request, stage, told: asks, pid } = one;
  if (request !== undefined && !isEvidence(request)) return false;
  // A request that is being recorded may belong to the next turn.
  if (isOfTurn(report)) return stage !== 'opening';
  if (report.type === 'permission_settled' && report.call_id === undefined)
    return from !== undefined && pid === from;
  if (report.type === 'permission_settled' || asks?.call_id !== undefined)
    return report.call_id === asks?.call_id;
  // A request without the call's id is known by its words; but no tool has run while its hook waits.
  const isWaiting = pid !== undefined && stage !== 'given';
  return !isWaiting && asks !== undefined && asks.tool === report.tool && asks.input === report.input;
}

/** Takes over the open requests of the record: what was being recorded is open now, and what is no longer open is over. */
function recorded(state: State, open: readonly PeerRequest[]): Step {
  const inRecord = ({ id }: Permission) => open.find((request) => request.request_id === id);
  const left = drop(state, (one) => one.stage !== 'opening' && inRecord(one) === undefined);
  const fresh = open.filter(({ request_id: id }) => state.requests.every((one) => one.id !== id));
  const requests: Permission[] = [
    ...left.state.requests.map((one) => ({ ...one, request: inRecord(one) })),
    ...fresh.map((request): Permission => ({ id: request.request_id, stage: 'open', request, heard: [] })),
  ];
  const next = each({ ...state, requests }, (one) =>
    one.stage === 'opening' && one.request !== undefined ? reopened(one) : one,
  );
  return { state: next.state, actions: [...left.actions, ...next.actions] };
}

/** Drops requests, and frees the hooks that wait for them. */
function drop(state: State, isOver: (one: Permission) => boolean): Step {
  const over = state.requests.filter(isOver);
  return {
    state: { ...state, requests: state.requests.filter((one) => !over.includes(one)) },
    actions: over.map(({ id }): Action => ({ do: 'free', id })),
  };
}

/** A request or its end could not be recorded: the next signal about it tries again. */
function tried(state: State, { write, id: tried }: Signal & { type: 'tried' }): Step {
  // What was opened may have been settled at once, and that is still being written.
  if (write === 'open') return drop(state, ({ id, stage }) => id === tried && stage === 'opening');
  return each(state, (one) =>
    one.id === tried && one.stage === 'settling' ? { ...one, stage: 'open' } : one,
  );
}

/** The next state of a request after a signal from its decider. */
function decided(one: Permission, signal: Signal): Permission | End {
  const { stage } = one;
  const isDecided = stage === 'deciding' || stage === 'given';
  if (signal.type === 'decide' && stage === 'open') return { ...one, stage: 'deciding' };
  if (signal.type === 'give' && stage === 'deciding') return { ...one, stage: 'given' };
  if (signal.type === 'release' && isDecided) return reopened(one);
  if (signal.type === 'settle' && isDecided) return { evidence: signal.evidence, decision: signal.decision };
  return one;
}

/** The request is open again, unless hooks have reported meanwhile how it ended. */
function reopened(one: Permission): Permission | End {
  const [first] = one.heard;
  const evidence = first && PROOF[first.type];
  return evidence === undefined ? { ...one, stage: 'open', heard: [] } : { evidence };
}
