import { ownCopy } from '../base/text.ts';
import { lower, unblock } from './attention.ts';
import { isAboutCheck } from './check.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { exactDataOf } from './exact-data.ts';
import { LIMITS } from './limits.ts';
import { giveMessages, textFile } from './messages.ts';
import { isEvidence } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';
import { changeOpen, closeRequest, settleCheck } from './requests.ts';
import {
  AMENDABLE,
  DELIVERY_STAGES,
  type DeliveryStage,
  type FailureReason,
  NEW_CONVERSATION,
} from './words.ts';

/** The peer is active: it has the job, and what we only guessed no longer applies. */
export function heardFromPeer(next: JobRecord, event: RecordedEvent): void {
  // What we said about its silence no longer describes the job.
  if (next.attention.some((reason) => reason === 'stalled' || reason === 'delivery_unverified'))
    delete next.detail;
  // It has the job, however it got it: the time limits run from now on.
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

/** True for a request that the peer settles by going on. What the hub asks others is not settled by the peer. */
function isSettledByWord(request: PeerRequest): boolean {
  return request.kind === 'question' ? !isAboutCheck(request) : !isEvidence(request);
}

/** Stores the pane of a job whose agent had to be started first. */
export function settleIn(next: JobRecord, event: RecordedEvent): void {
  const { agent_session, agent_process, peer_server } = exactDataOf(event);
  if (agent_session !== undefined) next.agent_session = agent_session;
  if (agent_process !== undefined) next.agent_process = agent_process;
  if (peer_server !== undefined) next.peer_server = peer_server;
}

/** A step before the hand-over has passed: the job no longer waits for it. */
export function passStep(next: JobRecord, event: RecordedEvent): void {
  const { prepared, commit, task_sha256 } = dataOf(event);
  if (task_sha256 !== undefined) next.task_sha256 = task_sha256;
  const { prepares = [], prepared: passed = [] } = next;
  if (prepared !== undefined && prepares.includes(prepared) && !passed.includes(prepared))
    next.prepared = [...passed, prepared];
  if (prepared === 'worktree' && next.worktree !== undefined) {
    const { base } = next.worktree;
    next.worktree = { ...next.worktree, base: commit ?? base, ready_at: event.recorded_at };
  }
  unblock(next);
}

/** A text other than the order was submitted; messages in it are no longer pending. */
export function typed(next: JobRecord, event: RecordedEvent): void {
  delete next.typing_now;
  unblock(next);
  const { what, count = 0, about = next.messages.length } = dataOf(event);
  if (what !== 'messages') return;
  next.messages = next.messages.slice(count);
  // Messages that came during the typing are not in it.
  next.messages_announced = Math.max(0, about - count);
}

/** Enters a stage of the delivery, with what it means for status and phase. */
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

/** The agent's conversation is new: the receipt says how, and the order is still to be typed. */
export function beginAnew(next: JobRecord, event: RecordedEvent): void {
  const { evidence } = dataOf(event);
  const entry = {
    stage: NEW_CONVERSATION,
    at: event.recorded_at,
    ...(evidence !== undefined && { evidence }),
  };
  next.delivery = [...next.delivery.filter(({ stage }) => stage !== NEW_CONVERSATION), entry];
  delete next.typing_now;
  unblock(next);
}

/** Blocked means that nothing was pasted, even where the paste had been announced. */
export function block(next: JobRecord, event: RecordedEvent): void {
  if (event.detail) next.detail = event.detail;
  noteObstacle(next, event);
  next.phase = 'queued';
  // A turn that is not ours has begun in the new conversation. A starting agent may look busy.
  const isOver = dataOf(event).by === 'busy' && next.typing?.started !== true;
  const kept = isOver ? ['queued'] : ['queued', NEW_CONVERSATION];
  next.delivery = next.delivery.filter(({ stage }) => kept.includes(stage));
}

/** A text other than the order was not typed; if the obstacle lasts, the record shows it. */
export function blockText(next: JobRecord, event: RecordedEvent): void {
  const { what, waited, unless_pasted: isGuess } = dataOf(event);
  // A text that is being typed by now is not blocked.
  if (isGuess === true && next.typing_now !== undefined) return;
  delete next.typing_now;
  if (waited !== true || next.submitted_at === undefined) return;
  noteObstacle(next, event);
  next.blocked_what = what;
  if (event.detail) next.blocked_evidence = event.detail;
}

/** A text is no longer blocked: its messages were fetched, or a permission decides what comes next in the pane. */
export function unblockText(next: JobRecord): void {
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

/** The peer says that it is done: the job ends, or its check begins. */
export function complete(next: JobRecord, event: RecordedEvent): void {
  takeReport(next, event);
  if (next.validation === undefined) {
    end(next, 'completed', event.recorded_at);
  } else {
    next.phase = 'validating';
    settleCheck(next, event, 'it is checked again');
  }
}

/** Stores what a report says about the work. */
export function takeReport(next: JobRecord, event: RecordedEvent): void {
  // Earlier words do not describe the end.
  if (event.detail) next.detail = event.detail;
  else delete next.detail;
  if (event.result !== undefined) next.result = ownCopy(event.result.slice(0, LIMITS.resultPreviewChars));
  const whole = textFile(next, event, 'result');
  if (whole !== undefined) next.result_file = whole;
  if (event.files !== undefined) next.files = event.files;
}

/** Ends the job, and closes whatever was open. */
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
  // The hub's own conclusions leave a running check alone: its verdict amends them.
  if (next.phase === 'validating' && !AMENDABLE.includes(reason ?? '')) leaveCheck(next);
}

/** The check is over: the phase is the stage of the delivery again. */
export function leaveCheck(next: JobRecord): void {
  next.phase = next.started_at ? 'started' : 'submitted';
}
