import type { RecordedEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import type { JobOrder, JobRecord, PeerRequest } from './record.ts';
import {
  AMENDABLE,
  ATTENTION_REASONS,
  type AttentionReason,
  DELIVERY_STAGES,
  type DeliveryStage,
  type FailureReason,
  isFinal,
  type Reason,
  type Status,
} from './words.ts';

/** How many closed requests a record keeps; the journal has them all. */
const KEPT_REQUESTS = 20;

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
  if (event.source !== 'hub' && event.source !== 'supervisor') next.last_sign_of_life_at = event.recorded_at;
  if (isFinal(record.status)) amend(next, event);
  else advance(next, event);
  if (mustWake(record, next, event)) next.wake_seq = event.seq;
  return next;
}

/** True when the job needs somebody now: it is `input_required`, or it has waited too long behind an obstacle. */
export function needsAttention(record: JobRecord): boolean {
  return (
    record.status === 'input_required' ||
    (record.status === 'queued' && record.blocked_by !== undefined && record.wake_seq > 0)
  );
}

/** True when a job is final and no check of it is running any more. */
export function isSettled(record: JobRecord): boolean {
  return isFinal(record.status) && record.phase !== 'validating';
}

/** True when an event of a peer, a hook or a person is evidence that the peer has the job. */
function isPeerEvent(event: RecordedEvent): boolean {
  return event.source === 'peer' || event.source === 'person' || event.source === 'hook';
}

function create(event: RecordedEvent): JobRecord {
  const order = event.data?.['job'] as JobOrder | undefined;
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
  // A second word while the first claim is being checked changes nothing but an end or a cancellation.
  const validating = next.phase === 'validating';
  if (isPeerEvent(event)) heardFromPeer(next, event);

  switch (type) {
    case 'pasting':
    case 'visible':
    case 'submitted':
    case 'acknowledged':
      reach(next, type, event);
      break;
    case 'started':
      reach(next, 'started', event);
      next.started_at ??= at;
      break;
    case 'blocked':
      // A peer that took the job in that very moment is not blocked.
      if (next.status === 'queued') block(next, event);
      break;
    case 'progress':
      if (event.detail) next.detail = event.detail;
      break;
    case 'question':
    case 'permission_required':
      openRequest(next, event);
      break;
    case 'permission_resolved':
    case 'answered':
      resolveRequest(next, event);
      break;
    case 'turn_ended':
    case 'rate_limited':
    case 'stalled':
    case 'delivery_unverified':
      raise(next, type);
      if (event.detail) next.detail = event.detail;
      break;
    case 'resumed':
      lower(next, ['stalled', 'rate_limited']);
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

function heardFromPeer(next: JobRecord, event: RecordedEvent): void {
  // It has the job, however it came by it: its clocks run.
  next.submitted_at ??= event.recorded_at;
  if (next.status === 'queued') {
    // It leaves the queue and is never pasted.
    next.status = 'working';
    delete next.blocked_by;
  }
  if (event.source === 'hook') {
    lower(next, ['stalled']);
    return;
  }
  lower(next, ['question', 'turn_ended', 'rate_limited', 'stalled', 'delivery_unverified']);
  next.requests = next.requests.map((request) =>
    request.resolved_at === undefined && (request.kind === 'question' || request.source !== 'hook')
      ? { ...request, resolved_at: event.recorded_at, decision: request.decision ?? 'the peer went on' }
      : request,
  );
  if (!next.requests.some((request) => request.kind === 'permission' && request.resolved_at === undefined)) {
    lower(next, ['permission']);
  }
}

function reach(next: JobRecord, stage: DeliveryStage, event: RecordedEvent): void {
  const evidence = event.data?.['evidence'] ?? (stage === 'started' ? event.source : undefined);
  if (!next.delivery.some((entry) => entry.stage === stage)) {
    next.delivery = [
      ...next.delivery,
      { stage, at: event.recorded_at, ...(typeof evidence === 'string' && { evidence }) },
    ];
  }
  if (next.phase !== 'validating' && rank(stage) > rank(next.phase)) next.phase = stage;
  delete next.blocked_by;
  if (stage === 'submitted') {
    if (next.status === 'queued') next.status = 'working';
    next.submitted_at ??= event.recorded_at;
  }
}

/** Blocked means that nothing was pasted, even where the paste had been announced. */
function block(next: JobRecord, event: RecordedEvent): void {
  if (event.detail) next.detail = event.detail;
  next.blocked_by = String(event.data?.['by'] ?? 'unknown');
  next.phase = 'queued';
  next.delivery = next.delivery.filter((entry) => entry.stage === 'queued');
}

function rank(phase: string): number {
  return (DELIVERY_STAGES as readonly string[]).indexOf(phase);
}

function openRequest(next: JobRecord, event: RecordedEvent): void {
  const kind = event.type === 'question' ? 'question' : 'permission';
  const request: PeerRequest = {
    request_id: event.event_id,
    kind,
    source: event.source,
    text: event.detail ?? '',
    at: event.recorded_at,
  };
  next.requests = [...next.requests, request].slice(-KEPT_REQUESTS);
  if (event.detail) next.detail = event.detail;
  raise(next, kind);
}

function resolveRequest(next: JobRecord, event: RecordedEvent): void {
  const wanted = event.data?.['request_id'];
  const decision = String(event.data?.['decision'] ?? event.type);
  next.requests = next.requests.map((request) =>
    request.resolved_at === undefined && (wanted === undefined || request.request_id === wanted)
      ? { ...request, resolved_at: event.recorded_at, decision }
      : request,
  );
  for (const kind of ['question', 'permission'] as const) {
    if (!next.requests.some((request) => request.kind === kind && request.resolved_at === undefined)) {
      lower(next, [kind]);
    }
  }
}

function complete(next: JobRecord, event: RecordedEvent): void {
  takeReport(next, event);
  if (next.validation === undefined) {
    end(next, 'completed', event.recorded_at);
  } else {
    next.phase = 'validating';
  }
}

function judge(next: JobRecord, event: RecordedEvent): void {
  const data = event.data ?? {};
  const passed = data['passed'] === true;
  if (next.validation) {
    next.validation = {
      ...next.validation,
      passed,
      rounds: next.validation.rounds + 1,
      ...(typeof data['exit_code'] === 'number' && { exit_code: data['exit_code'] }),
      ...(typeof data['output_tail'] === 'string' && { output_tail: data['output_tail'] }),
      ...(data['script_changed'] === true && { script_changed: true }),
    };
  }
  if (passed) end(next, 'completed', event.recorded_at);
  else fail(next, 'validation_failed', event.recorded_at);
}

function takeReport(next: JobRecord, event: RecordedEvent): void {
  if (event.detail !== undefined) next.detail = event.detail;
  if (event.result !== undefined) next.result = event.result.slice(0, LIMITS.resultPreviewChars);
  const whole = event.texts?.['result'];
  if (whole !== undefined) next.result_file = `${next.registry_dir}/${next.job_id}/texts/${whole}`;
  if (event.files !== undefined) next.files = event.files;
}

function fail(next: JobRecord, reason: FailureReason, at: string): void {
  end(next, 'failed', at, reason);
}

function end(
  next: JobRecord,
  status: 'completed' | 'failed' | 'cancelled',
  at: string,
  reason?: FailureReason,
): void {
  next.status = status;
  next.final_at = at;
  next.attention = [];
  if (reason === undefined) delete next.reason;
  else next.reason = reason;
  delete next.blocked_by;
  // A conclusion of ours leaves the running check alone: its verdict amends it.
  if (next.phase === 'validating' && !AMENDABLE.includes(reason ?? '')) {
    next.phase = next.started_at ? 'started' : 'submitted';
  }
}

function raise(next: JobRecord, reason: AttentionReason): void {
  setAttention(next, [...next.attention, reason]);
}

function lower(next: JobRecord, reasons: AttentionReason[]): void {
  setAttention(
    next,
    next.attention.filter((reason) => !(reasons as string[]).includes(reason)),
  );
}

function setAttention(next: JobRecord, reasons: string[]): void {
  next.attention = ATTENTION_REASONS.filter((reason) => reasons.includes(reason));
  const top: Reason | undefined = next.attention[0] as Reason | undefined;
  if (top !== undefined) {
    next.status = 'input_required';
    next.reason = top;
  } else if (next.status === 'input_required') {
    next.status = 'working';
    delete next.reason;
  }
}

function mustWake(before: JobRecord, after: JobRecord, event: RecordedEvent): boolean {
  if (isFinal(after.status)) {
    return before.status !== after.status || before.reason !== after.reason || before.late !== after.late;
  }
  if (after.status === 'queued') return event.type === 'blocked' && event.data?.['waited'] === true;
  if (after.status !== 'input_required') return false;
  const asked = event.type === 'question' || event.type === 'permission_required';
  return asked || before.status !== 'input_required' || before.reason !== after.reason;
}
