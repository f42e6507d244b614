import { ownCopy } from '../base/text.ts';
import { claims, isAboutCheck } from './check.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import { answerMessage, decisionMessage, giveMessages, leaveMessage } from './messages.ts';
import { isEvidence, isOpen, openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';
import {
  AMENDABLE,
  ATTENTION_REASONS,
  type AttentionReason,
  DELIVERY_STAGES,
  type DeliveryStage,
  type FailureReason,
  type Reason,
} from './words.ts';

/** So many requests a record keeps at least, and of those beyond only the open ones; the journal has them all. */
const KEPT_REQUESTS = 20;
/** More open ones are those of hooks in a loop: a record has to fit into a payload of 64 KiB. */
const OPEN_REQUESTS = 40;
/** An input that is shown whole wherever a request is shown, in characters. */
const SHORT_INPUT = 300;

/** The peer has spoken: it has the job, and what we only guessed is over. */
export function heardFromPeer(next: JobRecord, event: RecordedEvent): void {
  // What we said of its silence is no word of the job any more.
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
  next.requests = next.requests.map((request) =>
    isOpen(request) && isSettledByWord(request)
      ? { ...request, resolved_at: event.recorded_at, decision: request.decision ?? 'the peer went on' }
      : request,
  );
  lowerSettled(next);
}

/** True for what the peer no longer waits for when it goes on. What the hub asks of others, no word of a peer settles. */
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

/** Something beside the order was typed and taken: messages, which then wait no longer. */
export function typed(next: JobRecord, event: RecordedEvent): void {
  delete next.typing_now;
  unblock(next);
  const { what, count = 0, about = next.messages.length } = dataOf(event);
  if (what !== 'messages') return;
  next.messages = next.messages.slice(count);
  // What has come while it was typed is not in it.
  next.messages_announced = Math.max(0, about - count);
}

/** A rung of the delivery receipt, and what it means for status and phase. */
export function reach(next: JobRecord, stage: DeliveryStage, event: RecordedEvent): void {
  const { evidence = stage === 'started' ? event.source : undefined } = dataOf(event);
  if (!next.delivery.some((entry) => entry.stage === stage)) {
    next.delivery = [
      ...next.delivery,
      { stage, at: event.recorded_at, ...(evidence !== undefined && { evidence }) },
    ];
  }
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

/** A text beside the order was not typed; where that lasts, it is told. */
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

/** What a text was kept for is over: its messages were fetched, or a permission decides what comes next in the pane. */
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

/** Nothing keeps the job, or a text for its peer, from its pane any more. */
export function unblock(next: JobRecord): void {
  delete next.blocked_by;
  delete next.held_up;
  delete next.blocked_what;
  delete next.blocked_evidence;
  delete next.blocked_step;
  delete next.behind;
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
    ...(kind === 'permission' && askedFor(next, event)),
    at: event.recorded_at,
  };
  next.requests = withoutOldest([...next.requests, request]);
  // It stands in the request; what the peer has said of its work stays in sight.
  if (event.detail && !claims(next)) next.detail = event.detail;
  raise(next, kind);
}

/** An open request is not dropped for settled ones that came after it: the agent waits for its answer. */
function withoutOldest(requests: readonly PeerRequest[]): PeerRequest[] {
  let surplus = requests.length - KEPT_REQUESTS;
  const kept = requests.filter((request) => isOpen(request) || surplus-- <= 0);
  return kept.slice(-OPEN_REQUESTS);
}

/** What a permission is asked for. A long input says how long it is before anything else, so that no cut hides it. */
function askedFor(next: JobRecord, event: RecordedEvent): Partial<PeerRequest> {
  const { tool, input, length } = dataOf(event);
  if (tool === undefined || input === undefined) return {};
  const hash = event.texts?.['result'];
  const file = hash && `${next.registry_dir}/${next.job_id}/texts/${hash}`;
  const whole = file ? input : (event.result ?? input);
  if (file === undefined && whole.length <= SHORT_INPUT) return { tool, input: whole };
  const where = file ? `; all of them in ${file}` : '';
  const text = `${tool} (${length ?? whole.length} characters${where}): ${input}`;
  return { tool, input: whole, text, ...(file && { input_file: file }) };
}

/** Somebody with the right to do so has answered: a permission is settled only when the agent has taken the decision. */
export function answered(next: JobRecord, event: RecordedEvent): void {
  const { decision, request_id: wanted } = dataOf(event);
  const asked = next.requests.find((request) => isMeant(request, wanted));
  if (asked?.kind === 'permission' && decision !== undefined) {
    const decided = { ...asked, decision, decided_by: event.source };
    next.requests = next.requests.map((request) => (request === asked ? decided : request));
    if (isEvidence(asked)) return;
    leaveMessage(next, decisionMessage(asked.text, decision));
    resolveRequest(next, event);
    return;
  }
  const question = next.requests.find(
    (request) => isMeant(request, wanted) && request.kind === 'question' && !isAboutCheck(request),
  );
  if (event.detail) leaveMessage(next, answerMessage(next, event, question?.text));
  if (question !== undefined) resolveRequest(next, event);
  // It goes on when it has read the message.
  lower(next, ['turn_ended', 'stalled']);
}

/** A decision was not carried out: its request stands as before. */
export function dropDecision(next: JobRecord, event: RecordedEvent): void {
  const { request_id: wanted } = dataOf(event);
  next.requests = next.requests.map((request) => {
    if (wanted === undefined || !isMeant(request, wanted)) return request;
    const { decision: _, decided_by: __, ...rest } = request;
    return rest;
  });
}

/** True for the request that is meant, or any where none is named, while it is open. */
export function isMeant(request: PeerRequest, wanted: string | undefined): boolean {
  return isOpen(request) && (wanted === undefined || request.request_id === wanted);
}

/** One request is settled, or all open ones where none is named, but for what the hub asks itself. */
export function resolveRequest(next: JobRecord, event: RecordedEvent): void {
  const { request_id: wanted, decision: how } = dataOf(event);
  next.requests = next.requests.map((request) => {
    if (!isMeant(request, wanted) || isAboutCheck(request)) return request;
    const decision = how ?? request.decision ?? event.type;
    const { decided_by: by, ...rest } = request;
    // A decision that could not be carried out is not how it ended.
    const own = by !== undefined && decision === request.decision;
    return { ...rest, ...(own && { decided_by: by }), resolved_at: event.recorded_at, decision };
  });
  lowerSettled(next);
}

function lowerSettled(next: JobRecord): void {
  for (const kind of ['question', 'permission'] as const) {
    if (openRequests(next, kind).length === 0) lower(next, [kind]);
  }
}

/** The peer's word that it is done: final, or the beginning of the check. */
export function complete(next: JobRecord, event: RecordedEvent): void {
  takeReport(next, event);
  if (next.validation === undefined) {
    end(next, 'completed', event.recorded_at);
  } else {
    next.phase = 'validating';
    settleCheck(next, event, { decision: 'it is checked again' });
  }
}

/** The question about a check is settled: by a decision, or by the check that begins. */
export function settleCheck(
  next: JobRecord,
  { recorded_at }: RecordedEvent,
  how: Partial<PeerRequest>,
): void {
  next.requests = next.requests.map((request) =>
    isAboutCheck(request) && isOpen(request) ? { ...request, ...how, resolved_at: recorded_at } : request,
  );
  lowerSettled(next);
}

/** What a report says about the work. */
export function takeReport(next: JobRecord, event: RecordedEvent): void {
  // What was said on the way is no word about the end.
  if (event.detail) next.detail = event.detail;
  else delete next.detail;
  if (event.result !== undefined) next.result = ownCopy(event.result.slice(0, LIMITS.resultPreviewChars));
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
  next.requests = next.requests.map((request) => closed(request, at));
  if (reason === undefined) delete next.reason;
  else next.reason = reason;
  unblock(next);
  // A conclusion of ours leaves the running check alone: its verdict amends it.
  if (next.phase === 'validating' && !AMENDABLE.includes(reason ?? '')) {
    next.phase = next.started_at ? 'started' : 'submitted';
  }
}

/** Nobody can answer what an ended job has asked for. */
function closed(request: PeerRequest, at: string): PeerRequest {
  if (!isOpen(request)) return request;
  const { decision, decided_by: _, ...rest } = request;
  const how = decision === undefined ? 'the job ended' : `the job ended after ${decision} was given`;
  return { ...rest, resolved_at: at, decision: how };
}

/** Adds a reason for which the job needs somebody. */
export function raise(next: JobRecord, reason: AttentionReason): void {
  setAttention(next, [...next.attention, reason]);
}

/** Takes reasons away; without any the job goes on. */
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
    // A text for the peer is kept all the same.
    if (next.blocked_what === undefined) unblock(next);
  } else if (next.status === 'input_required') {
    // One that was never handed over goes back to its queue.
    next.status = next.submitted_at === undefined ? 'queued' : 'working';
    delete next.reason;
  }
}
