/**
 * The terms of the project. `job`: one delegated piece of work. `supervisor` / `peer`: who delegates /
 * who works. `event`: a claim about a job. `journal`: a job's recorded events, numbered by `seq`. `record`: the
 * job's current state, folded from its journal. `registry`: the folder of job folders.
 */

/** MCP's own task statuses, with `queued` before them. */
export const STATUSES = ['queued', 'working', 'input_required', 'completed', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

/** Why a job is `input_required`, most urgent first: of several, the first one is shown. */
export const ATTENTION_REASONS = [
  'permission',
  'question',
  'rate_limited',
  'turn_ended',
  'delivery_unverified',
  'stalled',
  'over_budget',
] as const;
export type AttentionReason = (typeof ATTENTION_REASONS)[number];

/** Why a job is `failed`. */
export const FAILURE_REASONS = [
  'agent_error',
  'timeout',
  'session_lost',
  'delivery_failed',
  'validation_failed',
  'dependency_failed',
  'setup_failed',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export type Reason = AttentionReason | FailureReason;

/** Conclusions that were ours, not the agent's: a late report amends them. */
export const AMENDABLE: readonly string[] = ['timeout', 'session_lost', 'delivery_failed'];

/**
 * The agent's new conversation before the order: an event, an entry of the receipt without a place among the stages, and
 * the name of the text that is typed for it.
 */
export const NEW_CONVERSATION = 'new_conversation' as const;

/** The stages of handing a prompt over, in their order. */
export const DELIVERY_STAGES = [
  'queued',
  'pasting',
  'visible',
  'submitted',
  'acknowledged',
  'started',
] as const;
export type DeliveryStage = (typeof DELIVERY_STAGES)[number];

export const SOURCES = ['peer', 'hook', 'person', 'supervisor', 'hub'] as const;
export type Source = (typeof SOURCES)[number];

/** What a peer may report with `publish_event`. */
export const REPORT_TYPES = [
  'started',
  'progress',
  'question',
  'permission_required',
  'completed',
  'error',
] as const;
export type ReportType = (typeof REPORT_TYPES)[number];

/** The types that only the hub makes. */
const HUB_TYPES = [
  'queued',
  'pasting',
  'visible',
  'submitted',
  'acknowledged',
  'new_conversation',
  'delivery_unverified',
  'delivery_failed',
  'dependency_failed',
  'setup_failed',
  'prepared',
  'starting',
  'blocked',
  'unblocked',
  'stalled',
  'resumed',
  'validating',
  'validated',
  'session_lost',
  'timeout',
  'reminded',
  'throttled',
  'notified',
  'looked',
  'session_ended',
  'deciding',
  'decision_refused',
  'merged',
  'discarded',
  'changes',
  'overlaps',
  'conversation',
  'usage',
] as const;

/** Who may make an event of a known type; an unknown type may come from anyone but the hub. */
export const MAKERS: Readonly<Record<string, readonly Source[]>> = {
  ...Object.fromEntries(REPORT_TYPES.map((type) => [type, ['peer', 'hook', 'person'] as const])),
  ...Object.fromEntries(HUB_TYPES.map((type) => [type, ['hub'] as const])),
  turn_ended: ['hook', 'hub'],
  rate_limited: ['hook', 'hub'],
  permission_resolved: ['hook', 'hub'],
  answered: ['supervisor', 'person'],
  cancelled: ['supervisor', 'person'],
  verified: ['supervisor', 'person'],
};

/** True when only a late report can still change a job's status. */
export function isFinal(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
