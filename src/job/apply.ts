import { claims } from './check.ts';
import {
  answered,
  block,
  complete,
  dropDecision,
  end,
  fail,
  heardFromPeer,
  keepErrand,
  letErrandGo,
  lower,
  openRequest,
  raise,
  reach,
  resolveRequest,
  settleIn,
  takeReport,
  typed,
  unblock,
} from './effects.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import type { JobRecord } from './record.ts';
import { decideCheck, judge } from './verdict.ts';
import { AMENDABLE, isFinal, type Status } from './words.ts';

/** Reasons for attention that any activity of the agent takes away. */
const GUESSES = ['stalled', 'rate_limited'] as const;

/**
 * The only way a record changes. Pure: the same journal always folds to the same record.
 * @param record the state before, absent before the first event
 * @param event the next event of the journal
 * @returns a new record; `wake_seq` moves when a waiter has to hear of it
 * @throws when the first event is not `queued` with the job's order
 */
export function apply(record: JobRecord | undefined, event: RecordedEvent): JobRecord {
  if (record === undefined) return create(event);
  const next: JobRecord = { ...record, seq: event.seq };
  // How far the supervisor was told is no news of the job.
  if (event.type === 'notified') return notified(next, event);
  // Somebody has run a script by hand: that stands in the log and changes nothing.
  if (event.type === 'verified') return next;
  if (event.source !== 'hub' && event.source !== 'supervisor') next.last_sign_of_life_at = event.recorded_at;
  if (isFinal(record.status)) amend(next, event);
  else {
    advance(next, event);
    letErrandGo(next);
    dropObstacle(record, next, event);
  }
  if (mustWake(record, next, event)) next.wake_seq = event.seq;
  return next;
}

function notified(record: JobRecord, event: RecordedEvent): JobRecord {
  const { seq = 0, line, how } = dataOf(event);
  const next = { ...record, notified_seq: seq };
  if (line !== undefined) next.notifying = line;
  else if (how !== 'seen') delete next.notifying;
  return next;
}

/** True when the job needs somebody now: it is `input_required`, or what keeps it, or a text for its peer, from its pane does not go by itself. */
export function needsAttention(record: Pick<JobRecord, 'status' | 'held_up'>): boolean {
  return needOf(record) !== undefined;
}

/** What an open job needs somebody for, in a word: its reason, or what keeps it or a text for its peer from its pane. */
export function needOf(
  record: Pick<JobRecord, 'status' | 'held_up'> & Partial<Pick<JobRecord, 'reason' | 'blocked_by'>>,
): string | undefined {
  if (isFinal(record.status)) return undefined;
  if (record.status === 'input_required') return record.reason ?? record.status;
  return record.held_up === true ? (record.blocked_by ?? 'unknown') : undefined;
}

/** True when a job is final and no check of it is running any more. */
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
  const { type, recorded_at: at } = event;
  const { what, turn } = dataOf(event);
  // A second word while the first claim is being checked changes nothing but an end or a cancellation.
  const validating = next.phase === 'validating';
  // A person may answer and cancel as well: these are no words of the peer.
  if (isPeerEvent(event) && type !== 'answered' && type !== 'cancelled') heardFromPeer(next, event);

  switch (type) {
    case 'queued':
      settleIn(next, event);
      break;
    case 'pasting':
    case 'visible':
    case 'submitted':
    case 'acknowledged':
      if (what === undefined) reach(next, type, event);
      else if (type === 'pasting') {
        next.typing_now = what;
        unblock(next);
      } else if (type === 'submitted') typed(next, event);
      break;
    case 'started':
      reach(next, 'started', event);
      next.started_at ??= at;
      break;
    case 'blocked':
      // A peer that took the job in that very moment is not blocked.
      if (what !== undefined) keepErrand(next, event);
      else if (next.status === 'queued' && !isOvertaken(next, event)) block(next, event);
      break;
    case 'unblocked':
      unblock(next);
      break;
    case 'progress':
      if (event.detail && !claims(next)) next.detail = event.detail;
      break;
    case 'question':
    case 'permission_required':
      openRequest(next, event);
      break;
    case 'permission_resolved':
      resolveRequest(next, event);
      break;
    case 'answered':
      if (!decideCheck(next, event)) answered(next, event);
      break;
    case 'decision_refused':
      dropDecision(next, event);
      break;
    case 'reminded':
      next.reminded_at = at;
      if (event.detail) next.last_words = event.detail;
      break;
    case 'turn_ended':
      if (next.blocked_what === 'reminder') unblock(next);
      raise(next, type);
      if (event.detail) next.last_words = event.detail;
      if (event.detail && !claims(next)) next.detail = event.detail;
      break;
    case 'delivery_unverified':
      if (next.typing_now === 'reminder') next.reminded_at ??= at;
      delete next.typing_now;
      unblock(next);
      raise(next, type);
      if (event.detail) next.detail = event.detail;
      break;
    case 'rate_limited':
    case 'stalled':
      raise(next, type);
      if (event.detail) next.detail = event.detail;
      break;
    case 'resumed':
      // A prompt that was submitted begins a turn; mere output proves less.
      lower(next, turn === true ? [...GUESSES, 'turn_ended'] : [...GUESSES]);
      break;
    case 'completed':
      if (!validating) complete(next, event);
      break;
    case 'validated':
      if (validating) judge(next, event);
      break;
    case 'error':
      takeReport(next, event);
      fail(next, 'agent_error', at);
      break;
    case 'timeout':
    case 'session_lost':
    case 'delivery_failed':
      if (event.detail) next.detail = event.detail;
      fail(next, type, at);
      break;
    case 'cancelled':
      if (event.detail) next.detail = event.detail;
      end(next, 'cancelled', at);
      break;
    default:
      break;
  }
}

/** What was said of an obstacle, or of why a job needs somebody, is no word of a job that it keeps no longer. The words of this event are. */
function dropObstacle(before: JobRecord, next: JobRecord, { detail }: RecordedEvent): void {
  const wasKept = before.blocked_by !== undefined && before.blocked_what === undefined;
  const isOver =
    (wasKept && next.blocked_by === undefined) || (isHubs(before) && next.reason !== before.reason);
  if (isOver && next.detail === before.detail && next.detail !== detail) delete next.detail;
}

/** True where the job needs somebody, and the words for that are the hub's own: a guess, or a dialog that it saw. */
function isHubs({ reason, requests, detail }: JobRecord): boolean {
  if (reason === 'permission')
    return requests.some(
      ({ kind, source, text }) => kind === 'permission' && source !== 'peer' && detail === text,
    );
  return reason === 'stalled' || reason === 'rate_limited' || reason === 'delivery_unverified';
}

/** True for a silence of tmux that was over when this was recorded: what has been pasted stands in the pane. */
function isOvertaken({ phase }: JobRecord, event: RecordedEvent): boolean {
  return dataOf(event).unless_pasted === true && phase !== 'queued';
}

/** A report on a job that is final: it may amend what we concluded ourselves, and nothing else. */
function amend(next: JobRecord, event: RecordedEvent): void {
  if (!(next.status === 'failed' && AMENDABLE.includes(next.reason ?? ''))) return;
  const validating = next.phase === 'validating';
  if (event.type === 'completed' && !validating && isPeerEvent(event)) {
    complete(next, event);
    if ((next.status as Status) === 'completed') next.late = true;
  } else if (event.type === 'error' && isPeerEvent(event)) {
    takeReport(next, event);
    fail(next, 'agent_error', event.recorded_at);
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
  // Once for each obstacle, however often it is looked at.
  const asked = event.type === 'question' || event.type === 'permission_required';
  const need = needOf(after);
  return need !== undefined && ((asked && after.status === 'input_required') || need !== needOf(before));
}
