import { isDeepStrictEqual } from 'node:util';
import { isUndecided, openCheckRequest } from '../../src/job/check.ts';
import { dataOf, type RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { AMENDABLE, ATTENTION_REASONS, isFinal } from '../../src/job/words.ts';

/** One event: the record before it, the event, the record after it. */
interface Move {
  before: JobRecord;
  event: RecordedEvent;
  after: JobRecord;
}

/** True for what a peer, its hooks or a person report about the work. */
function isReport({ source, type }: RecordedEvent): boolean {
  return ['peer', 'hook', 'person'].includes(source) && type !== 'answered' && type !== 'cancelled';
}

/** The decision about work whose check has no verdict. */
function decided({ before, event }: Move): unknown {
  const { decision, request_id } = dataOf(event);
  const asked = openCheckRequest(before)?.request_id;
  return event.type === 'answered' && asked !== undefined && request_id === asked ? decision : undefined;
}

function passes(event: RecordedEvent): boolean {
  return dataOf(event).passed === true;
}

const FAILS: Readonly<Record<string, string>> = {
  error: 'agent_error',
  timeout: 'timeout',
  session_lost: 'session_lost',
  delivery_failed: 'delivery_failed',
  dependency_failed: 'dependency_failed',
  setup_failed: 'setup_failed',
  validated: 'validation_failed',
};
const ASKS = [
  'question',
  'permission_required',
  'turn_ended',
  'rate_limited',
  'stalled',
  'delivery_unverified',
  // Over its budget.
  'usage',
];

/** The table of transitions: true if this event may have led from one status to the other. */
function mayMove({ before, event, after }: Move): boolean {
  const { type } = event;
  const wasChecked = before.phase === 'validating';
  const undecided = wasChecked && type === 'validated' && isUndecided(dataOf(event));
  const decision = decided({ before, event, after });
  if (before.status === after.status && before.reason === after.reason) return true;
  switch (after.status) {
    case 'queued':
      return before.status === 'input_required' && before.submitted_at === undefined;
    case 'working':
      if (before.status === 'queued') return type === 'submitted' || isReport(event);
      return (
        before.status === 'input_required' &&
        (isReport(event) || ['answered', 'permission_resolved', 'resumed'].includes(type))
      );
    case 'input_required':
      return (
        !isFinal(before.status) && (ASKS.includes(type) || undecided || before.status === 'input_required')
      );
    case 'completed':
      if (decision !== undefined) return decision === 'allow';
      return type === 'completed'
        ? before.validation === undefined
        : type === 'validated' && wasChecked && passes(event);
    case 'failed':
      if (decision !== undefined) return decision !== 'allow' && after.reason === 'validation_failed';
      if (undecided) return isFinal(before.status);
      return after.reason === FAILS[type] && (type !== 'validated' || (wasChecked && !passes(event)));
    case 'cancelled':
      return type === 'cancelled' && !isFinal(before.status);
  }
}

/** True if this event may change an end: only one that we concluded ourselves, and only a report or its check. */
function mayAmend({ before, event }: Move): boolean {
  if (before.status !== 'failed' || !AMENDABLE.includes(before.reason ?? '')) return false;
  return ['completed', 'error'].includes(event.type) ? isReport(event) : event.type === 'validated';
}

/** How one event may change a peer's messages: one more, emptied by a report, or the first ones typed into the pane. */
function boxIsSound({ before, event, after }: Move): boolean {
  const [was, is] = [before.messages, after.messages];
  const given = after.messages_given;
  if (given?.seq === event.seq) {
    const rest = is.slice(0, 1);
    return (
      event.source === 'peer' &&
      event.unheard !== true &&
      isDeepStrictEqual(given.messages, was) &&
      is.length === rest.length
    );
  }
  if (!isDeepStrictEqual(given, before.messages_given)) return false;
  if (is.length > was.length) return isDeepStrictEqual(is.slice(0, -1), was);
  return (
    isDeepStrictEqual(is, was.slice(was.length - is.length)) &&
    (is.length === was.length || event.type === 'submitted')
  );
}

function isOpenOf(record: JobRecord, kind: 'question' | 'permission'): boolean {
  return record.requests.some((one) => one.kind === kind && one.resolved_at === undefined);
}

const end = ({ status, reason, late, detail, result }: JobRecord) =>
  JSON.stringify([status, reason, late, detail, result]);

const RULES: Readonly<Record<string, (move: Move) => boolean>> = {
  'each event has the next seq': ({ before, after }) => after.seq === before.seq + 1,
  'the table of transitions': mayMove,
  'an end stays, but for a late report on what we concluded ourselves': (move) =>
    !isFinal(move.before.status) ||
    end(move.after) === end(move.before) ||
    (mayAmend(move) && isFinal(move.after.status)),
  'what is amended is marked late': ({ before, after }) =>
    !isFinal(before.status) ||
    (after.status === before.status && after.reason === before.reason) ||
    after.late,
  'wake_seq never goes back and is never ahead': ({ before, after }) =>
    after.wake_seq >= before.wake_seq && after.wake_seq <= after.seq,
  'an end and a request wake': ({ before, after }) =>
    before.status === after.status ||
    !(isFinal(after.status) || after.status === 'input_required') ||
    after.wake_seq === after.seq,
  'input is required while something wants attention': ({ after }) =>
    (after.status === 'input_required') === after.attention.length > 0,
  'the reason is the most urgent': ({ after }) =>
    after.status !== 'input_required' ||
    after.reason === ATTENTION_REASONS.find((one) => after.attention.includes(one)),
  'no reason for attention stands twice': ({ after }) =>
    new Set(after.attention).size === after.attention.length,
  'what is queued, works or is completed has no reason': ({ after }) =>
    !['queued', 'working', 'completed', 'cancelled'].includes(after.status) || after.reason === undefined,
  'what has failed has a reason': ({ after }) => after.status !== 'failed' || after.reason !== undefined,
  'an open question or permission is an open request': ({ after }) =>
    (['question', 'permission'] as const).every(
      (kind) => after.attention.includes(kind) === isOpenOf(after, kind),
    ),
  'the question about a check is settled by a decision, a new claim or the end': ({
    before,
    event,
    after,
  }) => {
    const asked = openCheckRequest(before)?.request_id;
    return (
      asked === undefined ||
      openCheckRequest(after)?.request_id === asked ||
      isFinal(after.status) ||
      event.type === 'completed'
    );
  },
  'requests keep their order and their words': ({ before, after }) => {
    const ids = after.requests.map(({ request_id }) => request_id);
    const kept = before.requests.map(({ request_id }) => request_id).filter((id) => ids.includes(id));
    return isDeepStrictEqual(ids.slice(0, kept.length), kept) && ids.length <= kept.length + 1;
  },
  'a request that is settled stays so': ({ before, after }) =>
    before.requests.every((one) => {
      const now = after.requests.find(({ request_id }) => request_id === one.request_id);
      return one.resolved_at === undefined || now === undefined || isDeepStrictEqual(now, one);
    }),
  'no message is lost': boxIsSound,
  'final_at is that of a final job': ({ after }) => isFinal(after.status) === (after.final_at !== undefined),
  'only what is queued is blocked, or a text for its peer': ({ after }) =>
    after.blocked_by === undefined || (after.status === 'queued') === (after.blocked_what === undefined),
  'what is final is kept from nothing': ({ after }) =>
    !isFinal(after.status) || (after.blocked_by === undefined && after.held_up === undefined),
  'what works was submitted': ({ after }) => after.status !== 'working' || after.submitted_at !== undefined,
  'a clock that runs is never set again': ({ before, after }) =>
    before.submitted_at === undefined || after.submitted_at === before.submitted_at,
};

/** The rules that an event has broken; empty for a sound one. */
export function brokenRules(before: JobRecord, event: RecordedEvent, after: JobRecord): string[] {
  const move = { before, event, after };
  return Object.entries(RULES).flatMap(([rule, holds]) => (holds(move) ? [] : [rule]));
}
