import type { RecordedEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import type { JobRecord, PeerRequest, Validation } from './record.ts';
import {
  AMENDABLE,
  ATTENTION_REASONS,
  type AttentionReason,
  DELIVERY_STAGES,
  type DeliveryStage,
  type FailureReason,
  type Reason,
} from './words.ts';

/** How many closed requests a record keeps; the journal has them all. */
const KEPT_REQUESTS = 20;

/** The peer has spoken: it has the job, and what we only guessed is over. */
export function heardFromPeer(next: JobRecord, event: RecordedEvent): void {
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

/** A rung of the delivery receipt, and what it means for status and phase. */
export function reach(next: JobRecord, stage: DeliveryStage, event: RecordedEvent): void {
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
export function block(next: JobRecord, event: RecordedEvent): void {
  if (event.detail) next.detail = event.detail;
  next.blocked_by = String(event.data?.['by'] ?? 'unknown');
  next.phase = 'queued';
  next.delivery = next.delivery.filter((entry) => entry.stage === 'queued');
}

function rank(phase: string): number {
  return (DELIVERY_STAGES as readonly string[]).indexOf(phase);
}

/** The peer asks for an answer or a permission. */
export function openRequest(next: JobRecord, event: RecordedEvent): void {
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

/** One request is answered, or all open ones where none is named. */
export function resolveRequest(next: JobRecord, event: RecordedEvent): void {
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

/** The peer's word that it is done: final, or the beginning of the check. */
export function complete(next: JobRecord, event: RecordedEvent): void {
  takeReport(next, event);
  if (next.validation === undefined) {
    end(next, 'completed', event.recorded_at);
  } else {
    next.phase = 'validating';
  }
}

/** The process of a script that has been started, for whoever has to end it. */
export function runningScript({ data }: RecordedEvent): Pick<Validation, 'process'> {
  const [pid, start] = [data?.['pid'], data?.['start']];
  return typeof pid === 'number' && typeof start === 'string' ? { process: { pid, start } } : {};
}

/** The script's verdict. */
export function judge(next: JobRecord, event: RecordedEvent): void {
  const data = event.data ?? {};
  const passed = data['passed'] === true;
  if (next.validation) {
    const { process: _, ...validation } = next.validation;
    next.validation = {
      ...validation,
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

/** What a report says about the work. */
export function takeReport(next: JobRecord, event: RecordedEvent): void {
  if (event.detail !== undefined) next.detail = event.detail;
  if (event.result !== undefined) next.result = event.result.slice(0, LIMITS.resultPreviewChars);
  const whole = event.texts?.['result'];
  if (whole !== undefined) next.result_file = `${next.registry_dir}/${next.job_id}/texts/${whole}`;
  if (event.files !== undefined) next.files = event.files;
}

/** Final: failed. */
export function fail(next: JobRecord, reason: FailureReason, at: string): void {
  end(next, 'failed', at, reason);
}

/** Final, whatever was open. */
export function end(
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

/** Adds a reason for which the job needs somebody. */
export function raise(next: JobRecord, reason: AttentionReason): void {
  setAttention(next, [...next.attention, reason]);
}

/** Takes reasons away; without any the job works again. */
export function lower(next: JobRecord, reasons: AttentionReason[]): void {
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
