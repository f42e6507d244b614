import type { Origin } from '../job/claim.ts';
import type { ClaimReply, RecordedEvent } from '../job/event.ts';
import type { HookReport } from '../job/hook.ts';
import type { AgentSession, JobRecord, ReceiptEntry, Supervisor } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import type { Standing } from '../job/standing.ts';
import type {
  AgentPlace,
  AgentRow,
  StartParams,
  StartResult,
  StopParams,
  TerminalSettings,
} from './agent-request.ts';

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

/** Which job, and in which registry to look when the hub does not hold it. */
export interface JobAddress {
  job_id: string;
  registry_dir?: string | undefined;
}

export interface DelegateParams {
  /** The prompt itself, or `prompt_spool`: its file in the spool folder of `MAM_HOME`, when longer than 16 KiB. */
  prompt?: string | undefined;
  prompt_spool?: string | undefined;
  agent: string;
  /** As the user wrote it: `tmux:NAME`, `NAME`, `tmux:NAME:WINDOW.PANE` or `tmux:%3`; absent for the agent's default. */
  agent_session?: string | undefined;
  /** What the configuration says about the agent kind's terminal. */
  terminal?: TerminalSettings | undefined;
  /** An agent reads what is typed into the pane, whatever is seen behind its program. */
  trust_pane?: boolean | undefined;
  workdir: string;
  timeout_seconds: number;
  idle_timeout_seconds: number;
  /** Absolute path. */
  validate?: string | undefined;
  validate_rounds?: number | undefined;
  /** How long the script may run; absent: 600 s. */
  validate_timeout_seconds?: number | undefined;
  /** How the agent is started when its session is missing; absent: it is not. */
  start?: Pick<StartParams, 'mam' | 'server_env' | 'env'> | undefined;
  on_busy: 'queue' | 'refuse';
  request_key?: string | undefined;
  /** Absolute path of the caller's tmux socket. */
  tmux_socket: string;
  registry_dir: string;
  logs_dir?: string | undefined;
  supervisor: Supervisor;
  origin?: Origin | undefined;
  /** Tell the supervisor in its own pane; with the agent kinds of its configuration. Absent: don't. */
  notify?: { configured?: AgentPlace['configured'] } | undefined;
  /** The caller's limits; absent: the usual ones. */
  limits?: { max_depth: number; max_open_jobs: number } | undefined;
  /** Of the submitter's environment: what a validation script runs with. */
  path?: string | undefined;
  virtual_env?: string | undefined;
  /** How the peer can call the command line: `mam` or a full path. */
  mam_command: string;
}

export interface DelegateResult {
  record: JobRecord;
  /** True when the same `request_key` gave an earlier job. */
  repeated: boolean;
  delivery: ReceiptEntry[];
  /** Jobs before this one in the pane's queue. */
  position: number;
  /** Job ids that hold the pane before this one, the current holder first. */
  behind: string[];
  warnings: string[];
}

/** What a delegation would give: its record stands in no registry. */
export interface PreviewResult extends DelegateResult {
  /** What would be typed, or given to the agent that is started; absent where nothing would be. */
  typed_text?: string | undefined;
  /** Why the call itself would be refused now, where its text is known all the same. */
  would_refuse?: string | undefined;
}

export interface StatusParams extends JobAddress {
  /** Give the events after this seq, oldest first. */
  events_after?: number | undefined;
  limit?: number | undefined;
  /** The client session that is shown the answer: its own job's supervisor need not be told in its pane as well. */
  seen_by?: string | undefined;
  /** With `seen_by`: how it is told. Absent: it has looked. */
  told?: 'channel' | undefined;
  /** Give a page of the prompt from this UTF-16 offset. */
  task_offset?: number | undefined;
}

export interface StatusResult {
  record: JobRecord;
  events: RecordedEvent[];
  /** The seq up to which `events` reach. */
  cursor: number;
  more: boolean;
  task?: string | undefined;
  task_next_offset?: number | undefined;
  task_file: string;
  /** Of a request with `told`: false when the supervisor knew it already. */
  told?: boolean | undefined;
  /** One sentence for each line of the journal that can't be read. */
  damage?: string[] | undefined;
}

/** Jobs of which a wait that is in force will tell this client session. */
export interface HoldParams {
  registry_dir: string;
  session: string;
  job_ids: string[];
}

/** What this client session was shown: how its jobs stood after the event `seq`. */
export interface SeenParams {
  registry_dir: string;
  session: string;
  jobs: { job_id: string; seq: number }[];
}

export interface ListParams {
  registry_dir: string;
  status?: string | undefined;
  agent?: string | undefined;
  /** Only the jobs of this client session, and of the pane that it lives in. */
  session?: string | undefined;
  place?: string | undefined;
  open_only?: boolean | undefined;
  /** Only the jobs that need somebody. */
  needs_you?: boolean | undefined;
  /** Only those of which their supervisor is still to be told. */
  untold?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface ListResult {
  jobs: JobRow[];
  cursor?: string | undefined;
  total: number;
  /** How many jobs of the registry need somebody, whatever the filter. */
  need_you?: number | undefined;
}

export interface CancelParams extends JobAddress {
  reason?: string | undefined;
  by: 'supervisor' | 'person';
  /** Also press the agent's interrupt key. */
  interrupt?: boolean | undefined;
  /** As with `status`. */
  seen_by?: string | undefined;
}

export interface CancelResult {
  /** Absent for a job whose record is gone. */
  record?: JobRecord;
  /** False when the job was final already and nothing changed. */
  changed: boolean;
  note: string;
}

export interface AnswerParams extends JobAddress {
  /** The answer to the peer's question, or an instruction that was not asked for. */
  text?: string | undefined;
  decision?: 'allow' | 'deny' | undefined;
  /** The request that was shown to who answers: another one is not answered in its place. */
  request_id?: string | undefined;
  by: 'supervisor' | 'person';
}

export interface AnswerResult {
  record: JobRecord;
  /** How far the answer has got, as a sentence. */
  delivered: string;
}

/** A pane as it is shown, or as it was when the turn was over in which the job ended. */
export interface ScreenResult {
  /** Rows of the screen, trailing blanks removed, harmless; empty when there is none. */
  screen: string[];
  /** False for the picture that was taken then. */
  live: boolean;
  /** Why there is no screen. */
  missing?: string | undefined;
}

export interface LogParams extends JobAddress {
  /** Give the events after this seq, oldest first; absent: none. */
  events_after?: number | undefined;
  limit?: number | undefined;
  /** Also give the end of what the validation script printed. */
  validation?: boolean | undefined;
}

/** A part of a job's audit log. */
export interface LogResult {
  record: JobRecord;
  events: RecordedEvent[];
  /** The seq up to which `events` reach. */
  cursor: number;
  more: boolean;
  damage?: string[] | undefined;
  /** The end of `validate.log`, harmless; empty when there is none. */
  validation_output?: string | undefined;
  /** Where it is whole, when this is not all of it. */
  validation_file?: string | undefined;
}

export interface VerifyParams extends JobAddress {
  /** Absolute path of the script; absent for the job's own. */
  validate?: string | undefined;
  /** How long it may run; absent: as long as the job's own, or 600 s. */
  validate_timeout_seconds?: number | undefined;
  /** Of the caller's environment: what the script runs with. */
  path?: string | undefined;
  virtual_env?: string | undefined;
}

export interface VerifyResult {
  record: JobRecord;
  script: string;
  passed: boolean;
  exit_code: number;
  output_tail: string;
  /** Its time limit has ended it, in seconds: it has said nothing about the work. */
  cut_off_after?: number | undefined;
  /** True when it is the job's own script and no longer as it was when the job was delegated. */
  script_changed?: boolean | undefined;
}

export interface PruneParams {
  registry_dir: string;
  /** Final jobs that ended before this time go, ISO 8601. */
  before: string;
  dry_run?: boolean | undefined;
  /** Of the last answer: go on behind it. */
  cursor?: string | undefined;
}

/** A part of the jobs that were pruned, or would be. */
export interface PruneResult {
  pruned: { job_id: string; status: string; final_at: string; bytes: number }[];
  /** Jobs that stay although they may be old enough, each with the reason. */
  kept: { job_id: string; why: string }[];
  /** There may be more behind it; absent at the end. */
  cursor?: string | undefined;
}

/** What a hook of an agent tells. */
export interface HookParams {
  agent: string;
  report: HookReport;
  origin: Origin;
  /** The hook can answer a permission request, and waits for the decision. */
  waits?: boolean | undefined;
}

export interface HookResult {
  decision?: 'allow' | 'deny' | undefined;
  reason?: string | undefined;
}

export interface HubStatus {
  version: string;
  protocol: number;
  pid: number;
  host: string;
  realm: string;
  broker: string;
  /** Why the external broker is not joined. */
  broker_problem?: string | undefined;
  started_at: string;
  clients: number;
  open_jobs: number;
  registries: string[];
  /** Registries with open jobs that can't be written, or looked into, now. */
  away?: AwayRegistry[] | undefined;
  /** Live jobs that nothing proves, since the key of `MAM_HOME` was lost. */
  unproven?: string[] | undefined;
}

export interface AwayRegistry {
  registry_dir: string;
  jobs: string[];
  /** What is wrong with it; absent where it is not there. */
  why?: string | undefined;
}

/** Every command of the hub, with what goes in and what comes out. */
export interface Commands {
  delegate: { params: DelegateParams; result: DelegateResult };
  /** `delegate` without the job. */
  preview: { params: DelegateParams; result: PreviewResult };
  status: { params: StatusParams; result: StatusResult };
  hold: { params: HoldParams; result: Record<string, never> };
  seen: { params: SeenParams; result: Record<string, never> };
  list: { params: ListParams; result: ListResult };
  cancel: { params: CancelParams; result: CancelResult };
  answer: { params: AnswerParams; result: AnswerResult };
  screen: { params: JobAddress; result: ScreenResult };
  log: { params: LogParams; result: LogResult };
  verify: { params: VerifyParams; result: VerifyResult };
  prune: { params: PruneParams; result: PruneResult };
  hook: { params: HookParams; result: HookResult };
  agents: { params: AgentPlace; result: { agents: AgentRow[] } };
  start: { params: StartParams; result: StartResult };
  stop: { params: StopParams; result: { session: AgentSession; stopped: true } };
  hub_status: { params: Record<string, never>; result: HubStatus };
  hub_stop: { params: Record<string, never>; result: { stopping: true } };
}
export type Command = keyof Commands;

/** What goes out on a job's `log` topic: the event, and where the job stands after it. */
export interface LogMessage extends Standing {
  event: RecordedEvent;
  /** The last words about the job, where this event has changed them; empty where it took them away. */
  detail?: string | undefined;
  /** The whole record, with an event that a waiter must hear of. */
  record?: JobRecord | undefined;
}

/** What became of a claim that a publisher made. */
export type ClaimOutcome = (
  | { kind: 'answered'; reply: ClaimReply }
  /** On disk in the outbox, not yet in the journal; `why` is a sentence. */
  | { kind: 'kept'; why: string }
) & {
  /** What has been refused since of what was kept, a sentence for each. */
  earlier?: string[];
};
