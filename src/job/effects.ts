import { ownCopy } from '../base/text.ts';
import { lower, unblock } from './attention.ts';
import { isAboutCheck } from './check.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import { giveMessages, textFile } from './messages.ts';
import { isEvidence } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';
import { changeOpen, closeRequest, settleCheck } from './requests.ts';
import { AMENDABLE, DELIVERY_STAGES, type DeliveryStage, type FailureReason } from './words.ts';

/** The peer has spoken: it has the job, and what we only guessed is over. */
export function heardFromPeer(next: JobRecord, event: RecordedEvent): void {
  // What we said of its silence no longer describes the job.
  if (next.attention.some((reason) => reason === 'stalled' || reason === 'delivery_unverified'))
    delete next.detail;
  // It has the job, however it came by it: its clocks run.
  next.submitted_at ??= event.recorded_at;
  if (next.status === 'queued') {
    // It leaves the queue and is never pasted.
    next.status = 'working';
    unblock(next);
  }
  if (event.source === 'hook') {
    lower(next, ['stalled']);
    return;
  }
  giveMessages(next, event);
  if (next.blocked_what === 'reminder') unblock(next);
  lower(next, ['turn_ended', 'rate_limited', 'stalled', 'delivery_unverified']);
  changeOpen(next, isSettledByWord, (request) => ({
    ...request,
    resolved_at: event.recorded_at,
    decision: request.decision ?? 'the peer went on',
  }));
}

/** True for what the peer no longer waits for when it goes on. What the hub asks others is not settled by its peer. */
function isSettledByWord(request: PeerRequest): boolean {
  return request.kind === 'question' ? !isAboutCheck(request) : !isEvidence(request);
}

/** A job whose agent had to be started first has its pane now. */
export function settleIn(next: JobRecord, event: RecordedEvent): void {
  const { agent_session, agent_process, peer_server } = dataOf(event);
  if (agent_session !== undefined) next.agent_session = agent_session;
  if (agent_process !== undefined) next.agent_process = agent_process;
  if (peer_server !== undefined) next.peer_server = peer_server;
}

/** Something other than the order was typed and taken: messages, which then wait no longer. */
export function typed(next: JobRecord, event: RecordedEvent): void {
  delete next.typing_now;
  unblock(next);
  const { what, count = 0, about = next.messages.length } = dataOf(event);
  if (what !== 'messages') return;
  next.messages = next.messages.slice(count);
  // What came while it was typed is not in it.
  next.messages_announced = Math.max(0, about - count);
}

/** A stage of the delivery, and what it means for status and phase. */
export function reach(next: JobRecord, stage: DeliveryStage, event: RecordedEvent): void {
  const { evidence = stage === 'started' ? event.source : undefined } = dataOf(event);
  if (!next.delivery.some((entry) => entry.stage === stage)) {
    const entry = { stage, at: event.recorded_at, ...(evidence !== undefined && { evidence }) };
    next.delivery = [...next.delivery, entry];
  }
  const stages: readonly string[] = DELIVERY_STAGES;
  const rank = (phase: string) => stages.indexOf(phase);
  if (next.phase !== 'validating' && rank(stage) > rank(next.phase)) next.phase = stage;
  unblock(next);
  if (stage === 'submitted') {
    if (next.status === 'queued') next.status = 'working';
    next.submitted_at ??= event.recorded_at;
  }
}

/** Blocked means that nothing was pasted, even where the paste had been announced. */
export function block(next: JobRecord, event: RecordedEvent): void {
  if (event.detail) next.detail = event.detail;
  noteObstacle(next, event);
  next.phase = 'queued';
  next.delivery = next.delivery.filter((entry) => entry.stage === 'queued');
}

/** A text other than the order was not typed; where that lasts, it is shown. */
export function keepErrand(next: JobRecord, event: RecordedEvent): void {
  const { what, waited, unless_pasted: isGuess } = dataOf(event);
  // What is being typed by then was not kept from its pane.
  if (isGuess === true && next.typing_now !== undefined) return;
  delete next.typing_now;
  if (waited !== true || next.submitted_at === undefined) return;
  noteObstacle(next, event);
  next.blocked_what = what;
  if (event.detail) next.blocked_evidence = event.detail;
}

/** A text is no longer kept out: its messages were fetched, or a permission decides what comes next in the pane. */
export function letErrandGo(next: JobRecord): void {
  const { blocked_what: what, messages, messages_announced: announced = 0, reason } = next;
  if (what === undefined) return;
  if (reason === 'permission' || (what === 'messages' && messages.length <= announced)) unblock(next);
}

function noteObstacle(next: JobRecord, event: RecordedEvent): void {
  const { by = 'unknown', waited, step, behind } = dataOf(event);
  unblock(next);
  next.blocked_by = by;
  if (waited === true) next.held_up = true;
  if (step !== undefined) next.blocked_step = step;
  if (behind !== undefined) next.behind = { job_id: String(behind.job_id), needs: String(behind.needs) };
}

/** The peer says that it is done: final, or the beginning of the check. */
export function complete(next: JobRecord, event: RecordedEvent): void {
  takeReport(next, event);
  if (next.validation === undefined) {
    end(next, 'completed', event.recorded_at);
  } else {
    next.phase = 'validating';
    settleCheck(next, event, 'it is checked again');
  }
}

/** What a report says about the work. */
export function takeReport(next: JobRecord, event: RecordedEvent): void {
  // What was said on the way does not describe the end.
  if (event.detail) next.detail = event.detail;
  else delete next.detail;
  if (event.result !== undefined) next.result = ownCopy(event.result.slice(0, LIMITS.resultPreviewChars));
  const whole = textFile(next, event, 'result');
  if (whole !== undefined) next.result_file = whole;
  if (event.files !== undefined) next.files = event.files;
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
  next.requests = next.requests.map((request) => closeRequest(request, at));
  if (reason === undefined) delete next.reason;
  else next.reason = reason;
  unblock(next);
  // A conclusion of ours leaves the running check alone: its verdict amends it.
  if (next.phase === 'validating' && !AMENDABLE.includes(reason ?? '')) leaveCheck(next);
}

/** The check is over: the phase is again how far the delivery got. */
export function leaveCheck(next: JobRecord): void {
  next.phase = next.started_at ? 'started' : 'submitted';
}
