import { type Field, type Fields, object } from '../base/fields.ts';
import type { AgentSession } from '../job/record.ts';
import { type AgentRow, agents, type IdleStop, type StartResult, start, stop, stopIdle } from './agents.ts';
import { type AnswerResult, answer } from './answer.ts';
import { type CancelResult, cancel } from './cancel.ts';
import { jobAddress } from './common.ts';
import { type DelegateResult, delegate, type PreviewResult } from './delegate.ts';
import { askHost, delegateTo } from './delegate-to.ts';
import { type DiffPage, type DiffResult, diff } from './diff.ts';
import { type DiscardResult, discard } from './discard.ts';
import { type HostsResult, hosts } from './hosts.ts';
import {
  type HookResult,
  type HubStatus,
  hold,
  hook,
  type PruneResult,
  prune,
  seen,
  type TestEventResult,
} from './housekeeping.ts';
import { type ListResult, listJobs } from './list.ts';
import { type LogResult, logs, type ScreenResult } from './logs.ts';
import { type MergeResult, merge } from './merge.ts';
import { type StatusResult, status } from './status.ts';
import { type VerifyResult, verify } from './verify.ts';

const nothing = object<Record<string, never>>();

/** Every hub command: its parameters, which are checked, and the type of its result. */
export const COMMANDS = {
  delegate: { params: delegate.params, result: object<DelegateResult>() },
  /** `delegate` without the job. */
  preview: { params: delegate.params, result: object<PreviewResult>() },
  /** The same two for an agent on another host. */
  delegate_to: { params: delegateTo.params, result: object<PreviewResult>() },
  ask_host: { params: askHost.params, result: object<Record<string, unknown>>() },
  hosts: { params: hosts.params, result: object<HostsResult>() },
  status: { params: status.params, result: object<StatusResult>() },
  hold: { params: hold.params, result: nothing },
  seen: { params: seen.params, result: nothing },
  list: { params: listJobs.params, result: object<ListResult>() },
  cancel: { params: cancel.params, result: object<CancelResult>() },
  answer: { params: answer.params, result: object<AnswerResult>() },
  screen: { params: jobAddress, result: object<ScreenResult>() },
  log: { params: logs.params, result: object<LogResult>() },
  verify: { params: verify.params, result: object<VerifyResult>() },
  /** The first page of what a job has changed, or a later one. */
  diff: { params: diff.params, result: object<DiffResult | DiffPage>() },
  merge: { params: merge.params, result: object<MergeResult>() },
  discard: { params: discard.params, result: object<DiscardResult>() },
  prune: { params: prune.params, result: object<PruneResult>() },
  hook: { params: hook.params, result: object<HookResult>() },
  agents: { params: agents.params, result: object<{ agents: AgentRow[] }>() },
  start: { params: start.params, result: object<StartResult>() },
  stop: { params: stop.params, result: object<{ session: AgentSession; stopped: true }>() },
  stop_idle: { params: stopIdle.params, result: object<IdleStop>() },
  /** Runs the `on_event` command with a test event. */
  test_event: { params: {}, result: object<TestEventResult>() },
  hub_status: { params: {}, result: object<HubStatus>() },
  hub_stop: { params: {}, result: object<{ stopping: true }>() },
} satisfies Record<string, { params: Fields; result: Field }>;
