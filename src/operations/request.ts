import type { Sent } from '../base/fields.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { AgentSession, JobRecord } from '../job/record.ts';
import type { Standing } from '../job/standing.ts';
import type { AgentRow, StartResult } from './agents.ts';
import type { AnswerResult } from './answer.ts';
import type { CancelResult } from './cancel.ts';
import type { DelegateResult, PreviewResult } from './delegate.ts';
import type { HookResult, HubStatus, PruneResult } from './housekeeping.ts';
import type { ListResult } from './list.ts';
import type { LogResult, ScreenResult } from './logs.ts';
import type { PARAMS } from './params.ts';
import type { StatusResult } from './status.ts';
import type { VerifyResult } from './verify.ts';

/** Grows with every change that an older hub or client could misread. */
export const PROTOCOL_VERSION = 1;

/** What a client asks of the hub on `hosts/<host>/requests`. */
export interface Request<C extends Command = Command> {
  request_id: string;
  protocol: number;
  command: C;
  params: Commands[C]['params'];
  reply_to: string;
  /** The caller's PATH: where its tmux is. */
  path?: string | undefined;
}

/** The hub's answer, on the request's `reply_to`. */
export interface Reply<C extends Command = Command> {
  request_id: string;
  result?: Commands[C]['result'];
  error?: { code: string; message: string; hint: string };
}

/** What comes out of each command of the hub. */
interface Results {
  delegate: DelegateResult;
  preview: PreviewResult;
  status: StatusResult;
  hold: Record<string, never>;
  seen: Record<string, never>;
  list: ListResult;
  cancel: CancelResult;
  answer: AnswerResult;
  screen: ScreenResult;
  log: LogResult;
  verify: VerifyResult;
  prune: PruneResult;
  hook: HookResult;
  agents: { agents: AgentRow[] };
  start: StartResult;
  stop: { session: AgentSession; stopped: true };
  hub_status: HubStatus;
  hub_stop: { stopping: true };
}
export type Command = keyof Results;
/** Every command of the hub, with what goes in and what comes out. */
export type Commands = {
  [C in Command]: { params: Sent<(typeof PARAMS)[C]>; result: Results[C] };
};

/** What goes out on a job's `log` topic: the event, and the job's state after it. */
export interface LogMessage extends Standing {
  event: RecordedEvent;
  /** The last words about the job, where this event has changed them; empty where it took them away. */
  detail?: string | undefined;
  /** The whole record, with an event that a waiter must hear of. */
  record?: JobRecord | undefined;
}
