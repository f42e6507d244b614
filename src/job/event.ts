import { newEventId } from '../base/ids.ts';
import type { JobChanges, Overlap } from './changes.ts';
import type { AgentSession, Behind, JobOrder, JobRecord } from './record.ts';
import type { Conversation, Usage } from './usage-schema.ts';
import type { Source } from './words.ts';

/**
 * Everything that events carry in `data`, with its JavaScript type; an integer is a safe one. A name means the same in every
 * type of event. In a journal, values of any other type are ignored.
 */
const DATA = {
  /** The job's order, fixed when it is delegated. */
  job: 'object',
  agent_session: 'object',
  agent_process: 'object',
  peer_server: 'string',
  /** What is typed or blocked, if not the order: `messages`, `reminder` or `new_conversation`. */
  what: 'string',
  /** How many messages were typed, and how many the peer was told about. */
  count: 'integer',
  about: 'integer',
  /** The step before the hand-over that has passed, in one word. */
  prepared: 'string',
  /** Of the task with the results that the prompt names. */
  task_sha256: 'string',
  argument: 'boolean',
  /** What was seen as proof. */
  evidence: 'string',
  /** What blocks a text, the command that removes the obstacle, and the job that has the pane. */
  by: 'string',
  step: 'string',
  behind: 'object',
  /** The obstacle has lasted so long that someone is needed. */
  waited: 'boolean',
  /** The block was concluded from silence, so it does not count if the text has been pasted meanwhile. */
  unless_pasted: 'boolean',
  /** What permission is asked for, and the length of that input in characters. */
  tool: 'string',
  input: 'string',
  length: 'integer',
  request_id: 'string',
  decision: 'string',
  /** A new turn has begun. */
  turn: 'boolean',
  /** When a usage limit ends. */
  resume_at: 'string',
  script: 'string',
  /** The outcome of a check's run, in one word; `problem` says why there was no verdict. */
  outcome: 'string',
  problem: 'string',
  passed: 'boolean',
  exit_code: 'integer',
  output_tail: 'string',
  script_changed: 'boolean',
  /** The time limit that ended it, in seconds. */
  cut_off_after: 'number',
  /** The `wake_seq` and the episode up to which a supervisor was notified, how, and by which line. */
  seq: 'integer',
  episode: 'integer',
  how: 'string',
  line: 'string',
  /** The branch that got the work, the commit that has it, and the branch that was deleted. */
  into: 'string',
  commit: 'string',
  branch: 'string',
  /** The agent's conversation, and what was used for the job so far. */
  conversation: 'object',
  usage: 'object',
  /** The type of the reports that are refused. */
  type: 'string',
  /** What git says about the job's folder, and the jobs that changed the same files. */
  changes: 'object',
  overlaps: 'object',
} as const;

/** Fields with a more exact type. */
interface Exact {
  job: JobOrder;
  agent_session: AgentSession;
  agent_process: NonNullable<JobRecord['agent_process']>;
  peer_server: JobRecord['peer_server'];
  behind: Behind;
  changes: JobChanges;
  overlaps: Overlap[];
  conversation: Conversation;
  usage: Usage;
}
interface Kinds {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  object: object;
}
type Name = keyof typeof DATA;
export type DataFields = { [F in Name]: F extends keyof Exact ? Exact[F] : Kinds[(typeof DATA)[F]] };

type Carries<Must extends Name, May extends Name = never> = Pick<DataFields, Must> & {
  [F in May]?: DataFields[F] | undefined;
};
type Verdict =
  | 'outcome'
  | 'problem'
  | 'passed'
  | 'exit_code'
  | 'output_tail'
  | 'script_changed'
  | 'cut_off_after';

/** The types of events with what each carries. */
export interface EventTypes
  extends Record<
    | 'started'
    | 'progress'
    | 'question'
    | 'completed'
    | 'error'
    | 'turn_ended'
    | 'cancelled'
    | 'reminded'
    | 'stalled'
    | 'unblocked'
    | 'validating'
    | 'timeout'
    | 'session_lost'
    | 'delivery_failed'
    | 'delivery_unverified'
    | 'dependency_failed'
    | 'setup_failed',
    undefined
  > {
  /** With the job; a second one with the pane of an agent that had to be started first. */
  queued: Carries<'job'> | Carries<'agent_session', 'agent_process' | 'peer_server'>;
  /** A step before the hand-over has passed. */
  prepared: Carries<'prepared', 'commit' | 'task_sha256'>;
  /** The agent of a prepared job is about to be started, with its order on its command line or without it. */
  starting: Carries<'argument'>;
  pasting: Carries<never, 'evidence' | 'what'>;
  visible: Carries<'evidence'>;
  submitted: Carries<'evidence', 'what' | 'count' | 'about'>;
  acknowledged: Carries<'evidence'>;
  /** The agent has begun a new conversation, in which the order is next. */
  new_conversation: Carries<'evidence'>;
  blocked: Carries<'by', 'what' | 'step' | 'waited' | 'behind' | 'unless_pasted'>;
  resumed: Carries<never, 'turn'>;
  rate_limited: Carries<never, 'resume_at'>;
  permission_required: Carries<never, 'tool' | 'input' | 'length'>;
  deciding: Carries<'request_id' | 'decision', 'evidence'>;
  decision_refused: Carries<'request_id' | 'decision', 'evidence'>;
  permission_resolved: Carries<never, 'request_id' | 'decision' | 'evidence'>;
  answered: Carries<never, 'request_id' | 'decision' | 'evidence'>;
  validated: Carries<never, Verdict>;
  verified: Carries<'script', Verdict>;
  merged: Carries<'into' | 'commit'>;
  /** With the branch and its commit if that was deleted as well. */
  discarded: Carries<never, 'branch' | 'commit'>;
  notified: Carries<'seq' | 'how', 'evidence' | 'line' | 'episode'>;
  throttled: Carries<'type'>;
  changes: Carries<'changes'>;
  overlaps: Carries<'overlaps'>;
  /** The prompt was taken in it; or it was opened again, in this pane. */
  conversation: Carries<'conversation', 'agent_session' | 'agent_process'>;
  usage: Carries<'usage'>;
  /** Its supervisor or a person has looked at the job as it was after the event `seq`. */
  looked: Carries<'seq'>;
  /** The session that was started for the job alone is over: `ended`, `gone`, or `taken` by a person. */
  session_ended: Carries<'how'>;
}
export type EventType = keyof EventTypes;

/**
 * An event in the journal: a claim that the hub has numbered. The journal also keeps fields that this version does not
 * know.
 */
export interface RecordedEvent {
  seq: number;
  event_id: string;
  job_id: string;
  type: string;
  source: Source;
  writer?: string | undefined;
  writer_seq?: number | undefined;
  /** Publisher's clock, for display only. */
  at: string;
  /** Hub's clock. */
  recorded_at: string;
  /** True when the job was final already. */
  late?: boolean | undefined;
  detail?: string | undefined;
  result?: string | undefined;
  files?: string[] | undefined;
  /** Fields whose full text is in `texts/<sha256>`; the event has only the beginning. */
  texts?: Record<string, string> | undefined;
  /** True when its publisher does not wait for the answer, so that no messages can go with it. */
  unheard?: boolean | undefined;
  /** What its type carries. Another version may have written it: read it with `dataOf`. */
  data?: object | undefined;
}

/**
 * What an event carries, as far as this version knows it. A field of the wrong type is absent; but a number becomes a
 * text, because an unknown `request_id` must not count as no `request_id`.
 */
export function dataOf({ data }: Pick<RecordedEvent, 'data'>): Partial<DataFields> {
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data ?? {}) as [string, unknown][]) {
    if (!isDataField(name) || value === null) continue;
    const kind = DATA[name];
    if (kind === 'integer' ? Number.isSafeInteger(value) : typeof value === kind) known[name] = value;
    else if (kind === 'string' && typeof value === 'number') known[name] = String(value);
  }
  return known;
}

/** True for a known field of `data`: records are built from these. */
export function isDataField(name: string): name is Name {
  return Object.hasOwn(DATA, name);
}

/** An event that the hub has not numbered yet. */
export type Draft = Omit<RecordedEvent, 'seq' | 'recorded_at' | 'late'>;

/** What an event of a type may say besides its type. */
export type Saying<T extends EventType> = Partial<Omit<Draft, 'data'>> & { data?: EventTypes[T] | undefined };

/** An event that happens now, from the hub unless it names another source. */
export function draftEvent<T extends EventType>(jobId: string, type: T, said: Saying<T> = {}): Draft {
  const at = new Date().toISOString();
  return { event_id: newEventId(), job_id: jobId, type, source: 'hub', at, ...said };
}

/** The hub's answer to a claim, on the claim's `reply_to`. */
export interface ClaimReply {
  event_id: string;
  /** The whole id of the job, if the publisher named it by a part. */
  job_id?: string | undefined;
  accepted: boolean;
  recorded: boolean;
  seq?: number | undefined;
  status?: string | undefined;
  /** Why it was refused, and the next step. */
  refusal?: string | undefined;
  /** A sentence that says that this report has amended the end of a final job. */
  amended?: string | undefined;
  /** True when this hub has no such job; on a shared broker another hub may have it. */
  unknown?: boolean | undefined;
  /** True when the refusal may go away by itself (a full disk): the publisher keeps the event. */
  retry?: boolean | undefined;
  /** On `started`: the first page of the prompt. */
  task?: string | undefined;
  task_file?: string | undefined;
  task_next_offset?: number | undefined;
  workdir?: string | undefined;
  /** Messages to read now. */
  messages?: string[] | undefined;
  next?: string | undefined;
}
