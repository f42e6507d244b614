import { lower, raise } from './attention.ts';
import { claims, isAboutCheck } from './check.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { answerMessage, decisionMessage, leaveMessage, textFile } from './messages.ts';
import { isEvidence, isOpen, openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';

/** A record keeps this many requests, and older ones only while they are open; the journal has them all. */
const KEPT_REQUESTS = 20;
/** More open ones can only come from hooks in a loop; a record must fit into a payload of 64 KiB. */
const OPEN_REQUESTS = 40;
/** Inputs up to this length, in characters, are shown in full wherever a request is shown. */
const SHORT_INPUT = 300;

/** Changes the matching open requests, then removes the reasons for attention that none is left for. */
export function changeOpen(
  next: JobRecord,
  isMeant: (request: PeerRequest) => boolean,
  change: (request: PeerRequest) => PeerRequest,
): void {
  next.requests = next.requests.map((one) => (isOpen(one) && isMeant(one) ? change(one) : one));
  for (const kind of ['question', 'permission'] as const)
    if (openRequests(next, kind).length === 0) lower(next, [kind]);
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
  // The question about a check is in the request; the detail stays what the peer said about its work.
  if (event.detail && !claims(next)) next.detail = event.detail;
  raise(next, kind);
}

/** Open requests are never dropped in favor of newer settled ones: the agent is waiting for the answer. */
function withoutOldest(requests: readonly PeerRequest[]): PeerRequest[] {
  let surplus = requests.length - KEPT_REQUESTS;
  return requests.filter((request) => isOpen(request) || surplus-- <= 0).slice(-OPEN_REQUESTS);
}

/** What permission is asked for. The text of a long input begins with its length, so that no cut hides it. */
function askedFor(next: JobRecord, event: RecordedEvent): Partial<PeerRequest> {
  const { tool, input, length } = dataOf(event);
  if (tool === undefined || input === undefined) return {};
  const file = textFile(next, event, 'result');
  const whole = file ? input : (event.result ?? input);
  if (file === undefined && whole.length <= SHORT_INPUT) return { tool, input: whole };
  const where = file ? `; full text in ${file}` : '';
  const text = `${tool} (${length ?? whole.length} characters${where}): ${input}`;
  return { tool, input: whole, text, ...(file && { input_file: file }) };
}

/** A text or a decision for the peer. A permission is settled only once the agent has accepted the decision. */
export function answered(next: JobRecord, event: RecordedEvent): void {
  const { decision, request_id: wanted } = dataOf(event);
  const meant = next.requests.filter((request) => isMeant(request, wanted));
  const [asked] = meant;
  if (asked?.kind === 'permission' && decision !== undefined) {
    const decided = { ...asked, decision, decided_by: event.source };
    next.requests = next.requests.map((request) => (request === asked ? decided : request));
    lower(next, ['over_budget']);
    if (isEvidence(asked)) return;
    leaveMessage(next, decisionMessage(asked.text, decision));
    resolveRequest(next, event);
    return;
  }
  const question = meant.find((request) => request.kind === 'question' && !isAboutCheck(request));
  if (event.detail) leaveMessage(next, answerMessage(next, event, question?.text));
  if (question !== undefined) resolveRequest(next, event);
  // The peer continues once it has read the message.
  lower(next, ['turn_ended', 'stalled', 'over_budget']);
}

/** A decision had no effect: its request is still open. One that was never given, as its evidence says, changes nothing. */
export function dropDecision(next: JobRecord, event: RecordedEvent): void {
  const { request_id: wanted, evidence } = dataOf(event);
  next.requests = next.requests.map((request) => {
    if (wanted === undefined || evidence !== undefined || !isMeant(request, wanted)) return request;
    const { decision: _, decided_by: __, ...rest } = request;
    return rest;
  });
}

/** True for the open request with the wanted id; without an id, for any open one. */
export function isMeant(request: PeerRequest, wanted: string | undefined): boolean {
  return isOpen(request) && (wanted === undefined || request.request_id === wanted);
}

/** Settles one request, or without an id all open ones; never the hub's own question. */
export function resolveRequest(next: JobRecord, event: RecordedEvent): void {
  const { request_id: wanted, decision: how } = dataOf(event);
  const isIts = (request: PeerRequest) => isMeant(request, wanted) && !isAboutCheck(request);
  changeOpen(next, isIts, (request) => {
    const decision = how ?? request.decision ?? event.type;
    const { decided_by: by, ...rest } = request;
    // An undelivered decision is not the outcome.
    const own = by !== undefined && decision === request.decision;
    return { ...rest, ...(own && { decided_by: by }), resolved_at: event.recorded_at, decision };
  });
}

/** Settles the question about a check: by a decision, or because the check is repeated. */
export function settleCheck(next: JobRecord, event: RecordedEvent, decision: string): void {
  const settled = { decision, resolved_at: event.recorded_at };
  changeOpen(next, isAboutCheck, (request) => ({ ...request, ...settled }));
}

/** Closes an ended job's request, which nobody can answer any more. */
export function closeRequest(request: PeerRequest, at: string): PeerRequest {
  if (!isOpen(request)) return request;
  const { decision, decided_by: _, ...rest } = request;
  const how = decision === undefined ? 'the job ended' : `the job ended after ${decision} was given`;
  return { ...rest, resolved_at: at, decision: how };
}
