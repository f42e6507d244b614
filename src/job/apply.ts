import { lower, raise, unblock } from './attention.ts';
import { claims } from './check.ts';
import {
  beginAnew,
  block,
  blockText,
  complete,
  end,
  heardFromPeer,
  passStep,
  reach,
  settleIn,
  takeReport,
  typed,
  unblockText,
} from './effects.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { exactDataOf } from './exact-data.ts';
import { isHostOffline, isLost } from './home-state.ts';
import type { JobRecord } from './record.ts';
import { answered, dropDecision, openRequest, resolveRequest } from './requests.ts';
import { takeConversation, takeUsage } from './usage-effects.ts';
import { decideCheck, judge } from './verdict.ts';
import {
  AMENDABLE,
  type AttentionReason,
  type DeliveryStage,
  type FailureReason,
  isFinal,
  type Status,
} from './words.ts';

/** Reasons for attention that any activity of the agent clears. */
const GUESSES: readonly AttentionReason[] = ['stalled', 'rate_limited'];

type Effect = (next: JobRecord, event: RecordedEvent) => void;

/** What each type of event does to an open job; an event of any other type is only activity. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  queued: settleIn,
  prepared: passStep,
  starting(next, event) {
    next.starting_at = event.recorded_at;
    if (next.typing !== undefined)
      next.typing = { ...next.typing, started: true, argument: dataOf(event).argument === true };
  },
  pasting: stage('pasting', (next, event) => {
    next.typing_now = dataOf(event).what;
    unblock(next);
  }),
  visible: stage('visible'),
  submitted: stage('submitted', typed),
  acknowledged: stage('acknowledged'),
  new_conversation: beginAnew,
  started(next, event) {
    reach(next, 'started', event);
    next.started_at ??= event.recorded_at;
  },
  blocked(next, event) {
    if (dataOf(event).what !== undefined) blockText(next, event);
    // A peer that has taken the job meanwhile is not blocked.
    else if (next.status === 'queued' && !isOvertaken(next, event)) block(next, event);
  },
  unblocked: unblock,
  progress: takeWords,
  question: openRequest,
  permission_required: openRequest,
  permission_resolved: resolveRequest,
  answered(next, event) {
    if (!decideCheck(next, event)) answered(next, event);
  },
  decision_refused: dropDecision,
  reminded(next, event) {
    next.reminded_at = event.recorded_at;
    if (event.detail) next.last_words = event.detail;
  },
  turn_ended(next, event) {
    if (next.blocked_what === 'reminder') unblock(next);
    raise(next, 'turn_ended');
    if (event.detail) next.last_words = event.detail;
    takeWords(next, event);
  },
  delivery_unverified(next, event) {
    if (next.typing_now === 'reminder') next.reminded_at ??= event.recorded_at;
    delete next.typing_now;
    unblock(next);
    raise(next, 'delivery_unverified');
    if (event.detail) next.detail = event.detail;
  },
  rate_limited: need('rate_limited'),
  stalled: need('stalled'),
  resumed(next, event) {
    // A submitted prompt begins a turn; mere output proves less.
    lower(next, dataOf(event).turn === true ? [...GUESSES, 'turn_ended'] : GUESSES);
  },
  // While the first claim is being checked, a second one changes nothing.
  completed(next, event) {
    if (next.phase !== 'validating') complete(next, event);
  },
  validated(next, event) {
    if (next.phase === 'validating') judge(next, event);
  },
  error(next, event) {
    takeReport(next, event);
    end(next, 'failed', event.recorded_at, 'agent_error');
  },
  timeout: failure('timeout'),
  session_lost: failure('session_lost'),
  delivery_failed: failure('delivery_failed'),
  dependency_failed: failure('dependency_failed'),
  setup_failed: failure('setup_failed'),
  cancelled(next, event) {
    if (event.detail) next.detail = event.detail;
    end(next, 'cancelled', event.recorded_at);
  },
};

/** A stage of the order's delivery; the same event about another text does something else. */
function stage(name: DeliveryStage, otherText: Effect = () => {}): Effect {
  return (next, event) =>
    dataOf(event).what === undefined ? reach(next, name, event) : otherText(next, event);
}

function need(reason: AttentionReason): Effect {
  return (next, { detail }) => {
    raise(next, reason);
    if (detail) next.detail = detail;
  };
}

function failure(reason: FailureReason): Effect {
  return (next, { detail, recorded_at: at }) => {
    if (detail) next.detail = detail;
    end(next, 'failed', at, reason);
  };
}

/** Keeps the peer's words, unless its claim to be done is being checked. */
function takeWords(next: JobRecord, { detail }: RecordedEvent): void {
  if (detail && !claims(next)) next.detail = detail;
}

/**
 * The only way a record changes. Pure: the same journal always folds to the same record.
 * @param record the state before, absent before the first event
 * @param event the next event of the journal
 * @returns a new record; `wake_seq` advances when waiters must be notified
 * @throws when the first event is not `queued` with the job's order
 */
export function apply(record: JobRecord | undefined, event: RecordedEvent): JobRecord {
  if (record === undefined) return create(event);
  const next: JobRecord = { ...record, seq: event.seq };
  // Notifying the supervisor is not news about the job.
  if (event.type === 'notified') return notified(next, event);
  if (event.type === 'looked') return seenUpTo(next, dataOf(event).seq);
  if (event.type === 'session_ended') return sessionOver(next, event);
  // A script that was run by hand is logged and changes nothing.
  if (event.type === 'verified') return next;
  if (event.type === 'merged' || event.type === 'discarded') return settled(next, event);
  // What git says about its folder: nobody waits for that, and nobody has done anything.
  if (event.type === 'changes' || event.type === 'overlaps') return lookedAt(next, event);
  if (event.type === 'conversation') {
    takeConversation(next, event);
    return next;
  }
  if (event.type === 'usage') {
    takeUsage(next, event);
    if (mustWake(record, next, event)) next.wake_seq = event.seq;
    return next;
  }
  if (event.source !== 'hub' && event.source !== 'supervisor') next.last_sign_of_life_at = event.recorded_at;
  if (isFinal(record.status)) amend(next, event);
  else {
    advance(next, event);
    unblockText(next);
    dropObstacle(record, next, event);
  }
  if (mustWake(record, next, event)) next.wake_seq = event.seq;
  return next;
}

function lookedAt(next: JobRecord, event: RecordedEvent): JobRecord {
  const { changes, overlaps } = exactDataOf(event);
  const start = next.changes?.start;
  if (changes !== undefined) next.changes = { ...(start && { start }), ...changes };
  if (overlaps !== undefined) next.overlaps = overlaps;
  return next;
}

/** How a supervisor is notified so that it knows. */
const LOOKS: readonly string[] = ['seen', 'channel', 'typed'];

function seenUpTo(record: JobRecord, seq = 0): JobRecord {
  if (record.new_session === undefined || seq <= (record.looked_seq ?? 0)) return record;
  return { ...record, looked_seq: seq };
}

/** The session that was started for the job alone is no longer the hub's to end. */
function sessionOver(record: JobRecord, event: RecordedEvent): JobRecord {
  return { ...record, session_end: { how: dataOf(event).how ?? 'gone', at: event.recorded_at } };
}

function notified(record: JobRecord, event: RecordedEvent): JobRecord {
  const { seq = 0, line, how = '' } = dataOf(event);
  const next = seenUpTo({ ...record, notified_seq: seq }, LOOKS.includes(how) ? seq : undefined);
  if (line !== undefined) next.notifying = line;
  else if (how !== 'seen') delete next.notifying;
  return next;
}

/** What a person or a supervisor did with the work: it says nothing about the job's own end. */
function settled(next: JobRecord, event: RecordedEvent): JobRecord {
  const { into, commit } = dataOf(event);
  const at = event.recorded_at;
  if (event.type === 'discarded')
    return { ...next, discarded: { at, ...(commit !== undefined && { commit }) } };
  return into === undefined || commit === undefined ? next : { ...next, merged: { into, commit, at } };
}

/** True when the job needs someone now: it is `input_required`, or an obstacle will not go away by itself. */
export function needsAttention(record: Pick<JobRecord, 'status' | 'held_up' | 'home'>): boolean {
  return needOf(record) !== undefined;
}

/** Why an open job needs someone, in one word: its reason, or the obstacle at its pane. */
export function needOf(
  record: Pick<JobRecord, 'status' | 'held_up' | 'home'> & Partial<Pick<JobRecord, 'reason' | 'blocked_by'>>,
): string | undefined {
  if (isFinal(record.status) || isLost(record)) return undefined;
  if (isHostOffline(record)) return 'host_offline';
  if (record.status === 'input_required') return record.reason ?? record.status;
  return record.held_up === true ? (record.blocked_by ?? 'unknown') : undefined;
}

/** True when a job is final and no check of it is running. */
export function isSettled(record: { status: string; phase: string }): boolean {
  return isFinal(record.status as Status) && record.phase !== 'validating';
}

/** True when an event of a peer, a hook or a person is evidence that the peer has the job. */
function isPeerEvent(event: RecordedEvent): boolean {
  return event.source === 'peer' || event.source === 'person' || event.source === 'hook';
}

function create(event: RecordedEvent): JobRecord {
  const { job: order } = dataOf(event);
  if (event.type !== 'queued' || order === undefined) {
    throw new Error(`journal of ${event.job_id} begins with ${event.type}, not with the job's order`);
  }
  return {
    ...order,
    status: 'queued',
    phase: 'queued',
    attention: [],
    requests: [],
    messages: [],
    delivery: [{ stage: 'queued', at: event.recorded_at }],
    created_at: event.recorded_at,
    last_sign_of_life_at: event.recorded_at,
    late: false,
    seq: event.seq,
    wake_seq: 0,
  };
}

function advance(next: JobRecord, event: RecordedEvent): void {
  const { type } = event;
  // A person may answer and cancel as well: that is not the peer speaking.
  if (isPeerEvent(event) && type !== 'answered' && type !== 'cancelled') heardFromPeer(next, event);
  if (Object.hasOwn(EFFECTS, type)) EFFECTS[type]?.(next, event);
}

/** Drops the detail about an obstacle or a need once it is over, unless this event has set it. */
function dropObstacle(before: JobRecord, next: JobRecord, { detail }: RecordedEvent): void {
  const wasKept = before.blocked_by !== undefined && before.blocked_what === undefined;
  const isOver =
    (wasKept && next.blocked_by === undefined) || (isHubs(before) && next.reason !== before.reason);
  if (isOver && next.detail === before.detail && next.detail !== detail) delete next.detail;
}

/** True when the job needs someone and its detail is the hub's own: a guess, or a dialog that it saw. */
function isHubs({ reason, requests, detail }: JobRecord): boolean {
  if (reason === 'permission')
    return requests.some(
      ({ kind, source, text }) => kind === 'permission' && source !== 'peer' && detail === text,
    );
  return (
    reason === 'stalled' ||
    reason === 'rate_limited' ||
    reason === 'delivery_unverified' ||
    reason === 'over_budget'
  );
}

/** True when tmux's silence was over before this was recorded: the text has been pasted. */
function isOvertaken({ phase }: JobRecord, event: RecordedEvent): boolean {
  return dataOf(event).unless_pasted === true && phase !== 'queued';
}

/** A report on a final job may amend only what the hub concluded itself. */
function amend(next: JobRecord, event: RecordedEvent): void {
  if (next.status !== 'failed' || !AMENDABLE.includes(next.reason ?? '')) return;
  const validating = next.phase === 'validating';
  if (event.type === 'completed' && !validating && isPeerEvent(event)) {
    complete(next, event);
    if ((next.status as Status) === 'completed') next.late = true;
  } else if (event.type === 'error' && isPeerEvent(event)) {
    takeReport(next, event);
    end(next, 'failed', event.recorded_at, 'agent_error');
    next.late = true;
  } else if (event.type === 'validated' && validating) {
    judge(next, event);
    next.late = true;
  }
}

function mustWake(before: JobRecord, after: JobRecord, event: RecordedEvent): boolean {
  if (isFinal(after.status)) {
    return before.status !== after.status || before.reason !== after.reason || before.late !== after.late;
  }
  // Once for each obstacle, however often it is seen.
  const asked = event.type === 'question' || event.type === 'permission_required';
  const need = needOf(after);
  return need !== undefined && ((asked && after.status === 'input_required') || need !== needOf(before));
}
