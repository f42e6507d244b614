import type { z } from 'zod';
import type { Fields, Values } from '../base/fields.ts';
import type { Origin } from '../job/claim.ts';
import type { Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import type { ReportType } from '../job/words.ts';
import type { KnownKind } from '../operations/agents.ts';
import type { Asker } from '../operations/common.ts';
import type { ClaimOutcome, publish } from '../operations/publish.ts';
import type { Command, Commands } from '../operations/request.ts';
import { answerSchema, inputSchema } from '../operations/schema.ts';
import type { WaitAnswer, WaitRequest } from '../operations/wait.ts';
import type { AskerSettings } from '../settings/program.ts';
import type { Role } from '../settings/table.ts';

export type { Role };

/** All four are required: by them clients decide what runs in parallel and what runs without asking. */
interface ToolAnnotations {
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
export interface Caller extends Asker {
  clientVersion: string;
  role: Role;
  /** The client may be notified over its channel. */
  channel: boolean;
}

/** What a peer reports: the fields of a claim that a tool knows. */
export type Report = Omit<Values<typeof publish.fields>, 'event'> & {
  /** From the client's call id if it sends one, so that a repeated call is one event; otherwise from the engine. */
  event_id?: string | undefined;
  type: ReportType;
  origin: Origin;
};

/** Everything that tools see of the rest of the program. It grows only if a tool needs it. */
export interface Engine {
  /** Settings that a tool may pass on to the hub or the user; they contain no secret. */
  readonly settings: Omit<AskerSettings, 'broker'>;
  /** Sends a command to the hub, which is started if none is running. @throws MamError with the hub's own text */
  request<C extends Command>(command: C, params: Commands[C]['params']): Promise<Commands[C]['result']>;
  /** What is known about an agent kind. @throws MamError `bad_input` with the existing kinds */
  kind(name: string): KnownKind;
  /** The whole id of a job that is named by a part of it. @throws MamError `not_found`, `bad_input` for several */
  whole(jobId: string): Promise<string>;
  /** The permission request of a job that this client saw last, by `request` or `shown`. @param jobId the whole id */
  shownRequest(jobId: string): string | undefined;
  /** Publishes an event. @throws MamError if it could not be stored anywhere */
  report(report: Report): Promise<ClaimOutcome>;
  /** Waits for jobs. A timeout is an answer, not an error. @throws MamError for an unknown job */
  wait(request: WaitRequest): Promise<WaitAnswer>;
  /** Notes that the client was shown these jobs, so that it need not be notified in its pane as well. */
  shown(jobs: JobRecord[], owner: Owner): void;
  /** Closes connections; called once, when the server ends. */
  close(): Promise<void>;
}

export interface ToolContext {
  engine: Engine;
  caller: Caller;
  /** Aborted when the client cancels the call or goes away. */
  signal: AbortSignal;
  /** The client's own id of this call, if it sends one: the same id is the same call. */
  callId?: string | undefined;
  /** Reports that the call is alive; `message` is for people. */
  progress(message: string): void;
}

/** A tool is a value: its handler throws, and one catch in the server turns that into an answer. */
interface Declared<F extends Fields, A extends Fields> {
  name: string;
  title: string;
  description: string;
  annotations: ToolAnnotations;
  meta?: Record<string, unknown>;
  roles: readonly Role[];
  /** True if the call waits for something: the server does not wait for it when it ends. */
  blocks?: boolean;
  handle(
    args: Values<F>,
    context: ToolContext,
  ): Promise<Omit<Values<A>, 'job'> & { summary: string; next: string }>;
}
export interface Tool<F extends Fields = Fields, A extends Fields = Fields> extends Declared<F, A> {
  fields: F;
  /** A strict object: a mistyped parameter is reported, not dropped. */
  inputSchema: z.ZodObject;
  /** `summary` first; fields that it does not name are dropped from the answer. */
  outputSchema: z.ZodObject;
}

/** A tool for an operation; only for supervisors unless it names its roles. */
export function defineTool<F extends Fields, A extends Fields>(
  tool: Omit<Declared<F, A>, 'roles'> & { operation: { fields: F; answer: A }; roles?: readonly Role[] },
): Tool<F, A> {
  const { operation, roles = ['supervisor'], ...declared } = tool;
  const { fields, answer } = operation;
  // A server usually runs one tool or two, and each first call would make the schemas of all.
  let input: z.ZodObject | undefined;
  let output: z.ZodObject | undefined;
  return {
    ...declared,
    roles,
    fields,
    get inputSchema() {
      input ??= inputSchema(fields);
      return input;
    },
    get outputSchema() {
      output ??= answerSchema(answer);
      return output;
    },
  };
}
