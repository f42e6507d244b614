import type { z } from 'zod';
import type { KnownKind } from '../../agents/index.ts';
import type { Origin } from '../../job/claim.ts';
import type { Owner } from '../../job/owner.ts';
import type { JobRecord } from '../../job/record.ts';
import type { ReportType } from '../../job/words.ts';
import type { ClaimOutcome, Command, Commands } from '../../operations/request.ts';
import type { WaitAnswer, WaitRequest } from '../../operations/wait-types.ts';
import type { Settings } from '../../settings/config.ts';
import type { Role } from '../../settings/table.ts';

export type { Role };

/** All four are compulsory: clients decide by them what runs in parallel and what runs without asking. */
export interface ToolAnnotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
}

/** What the client said about itself at `initialize`. */
export interface Client {
  /** Such as `claude-code` or `codex-mcp-client`. */
  name: string;
  version: string;
}

/** Who calls a tool, as far as this process can prove it. */
export interface Caller {
  /** `clientInfo` of the MCP client, such as `claude-code` or `codex-mcp-client`. */
  clientName: string;
  clientVersion: string;
  /** Identity of the client's session: the scope of `request_key` and of the caller's own jobs. */
  session: string;
  /** tmux pane that the client lives in, such as `%3`. */
  pane?: string | undefined;
  /** Absolute path of that pane's tmux socket. */
  socket?: string | undefined;
  /** Identity of that pane: another session in it is the same owner. */
  place?: string | undefined;
  /** This process and its ancestors, nearest first. */
  pids: number[];
  /** The pid namespace that they count in. */
  ns?: string | undefined;
  cwd: string;
  role: Role;
  /** The client may be told over its channel. */
  channel: boolean;
}

/** What a peer reports: the fields of a claim that a tool knows. */
export interface Report {
  /** From the client's call id where it sends one, so that a repeated call is one event; else made by the engine. */
  event_id?: string | undefined;
  job_id: string;
  type: ReportType;
  detail?: string | undefined;
  result?: string | undefined;
  files?: string[] | undefined;
  origin: Origin;
}

/** The surroundings that a tool may have to tell the hub or the user: no secret is among them. */
export type EngineSettings = Pick<
  Settings,
  | 'home'
  | 'registryDir'
  | 'logsDir'
  | 'tmuxSocket'
  | 'tmuxServerName'
  | 'agents'
  | 'path'
  | 'virtualEnv'
  | 'maxDepth'
  | 'maxOpenJobs'
> & {
  /** `MAM_TOOL_TIMEOUT_SECONDS`: caps every wait. */
  toolTimeoutSeconds?: number | undefined;
  /** How the peer can call the command line: `mam` or a full path. */
  mamCommand: string;
  /** The same as program and arguments. */
  mamProgram: string[];
  /** What the server of an agent that we start must have in its environment. */
  peerEnvironment: Record<string, string>;
  /** What of this server's environment a session that is started for it shall have. */
  sessionEnvironment: Record<string, string>;
};

/** All that tools see of the rest of the program. It grows only when a tool needs it. */
export interface Engine {
  readonly settings: EngineSettings;
  /** Asks the hub, which is started when none runs. @throws MamError with the hub's own text */
  request<C extends Command>(command: C, params: Commands[C]['params']): Promise<Commands[C]['result']>;
  /** What is known of an agent kind. @throws MamError `bad_input` with the kinds that there are */
  kind(name: string): KnownKind;
  /** The permission request of a job that this client was shown last, by `request` or as `shown` says. */
  shownRequest(jobId: string): string | undefined;
  /** Publishes an event. @throws MamError when it could not be stored anywhere */
  report(report: Report): Promise<ClaimOutcome>;
  /** Waits for jobs. Running out of time is an answer, not an error. @throws MamError for an unknown job */
  wait(request: WaitRequest): Promise<WaitAnswer>;
  /** Takes down that the client is given this of jobs that it waited for; its pane need not tell it as well. */
  shown(jobs: JobRecord[], owner: Owner): void;
  /** Lets go of connections; called once, when the server ends. */
  close(): Promise<void>;
}

export interface ToolContext {
  engine: Engine;
  caller: Caller;
  /** Aborted when the client cancels the call or goes away. */
  signal: AbortSignal;
  /** The client's own id of this call, where it sends one: the same id is the same call. */
  callId?: string | undefined;
  /** Tells the client that the call is alive; `message` is for people. */
  progress(message: string): void;
}

/** A tool is a value: its handler throws, and one catch in the server turns that into an answer. */
export interface Tool<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  name: string;
  title: string;
  description: string;
  /** A strict object: a mistyped parameter is told, not dropped. */
  inputSchema: I;
  /** `summary` first; fields that it does not name are dropped from the answer. */
  outputSchema: O;
  annotations: ToolAnnotations;
  meta?: Record<string, unknown>;
  roles: readonly Role[];
  /** True when the call waits for others: the server's end does not wait for it. */
  blocks?: boolean;
  handle(args: z.output<I>, context: ToolContext): Promise<z.input<O>>;
}

/** Types a tool's literal. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<I, O>): Tool<I, O> {
  return tool;
}
