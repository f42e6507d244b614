import { z } from 'zod';
import { changesSchema, overlapSchema } from './changes.ts';
import { homeSchema } from './home.ts';
import { conversationSchema, usageSchema } from './usage-schema.ts';
import { SOURCES, STATUSES } from './words.ts';

/** Where the peer runs, in tmux's terms. `pane` is the identity; the names are for people. */
export const agentSessionSchema = z.object({
  socket: z.string().describe('absolute path of the tmux socket'),
  session: z.string().describe('tmux session name'),
  window: z.number().int(),
  pane: z.string().describe('tmux pane id, such as %3'),
  session_created: z.number().int().describe('seconds since 1970'),
});
export type AgentSession = z.infer<typeof agentSessionSchema>;

/** A question or a permission request of the peer. */
export const requestSchema = z.object({
  request_id: z.string(),
  kind: z.enum(['question', 'permission']),
  source: z.enum(SOURCES),
  text: z.string().describe("the peer's words"),
  tool: z.string().optional().describe('what a permission is asked for'),
  input: z.string().optional().describe("that tool's input; where it is longer, its beginning"),
  input_file: z.string().optional().describe('file with the whole input'),
  at: z.string(),
  decision: z.string().optional().describe('as given to the agent, then how the request was settled'),
  decided_by: z.string().optional(),
  resolved_at: z.string().optional(),
});
export type PeerRequest = z.infer<typeof requestSchema>;

/** One stage of the delivery receipt. */
export const receiptEntrySchema = z.object({
  stage: z
    .string()
    .describe(
      'queued, pasting, visible, submitted, acknowledged or started; with fresh also new_conversation',
    ),
  at: z.string(),
  evidence: z.string().optional(),
});
export type ReceiptEntry = z.infer<typeof receiptEntrySchema>;

const supervisorSchema = z.object({
  client: z.string().describe("name of the supervisor's MCP client, or cli"),
  session: z.string().describe("identity of the client's session: the scope of request_key and of mine"),
  pane: z.string().optional(),
  socket: z.string().optional(),
  place: z.string().optional().describe('identity of that pane: later sessions in it count as the same'),
  host: z.string().optional().describe('the other machine that it was delegated from'),
  channel: z
    .boolean()
    .optional()
    .describe('it is notified over its channel when the job needs it, unless `notify` is set'),
});
export type Supervisor = z.infer<typeof supervisorSchema>;

export const validationSchema = z.object({
  script: z.string(),
  script_sha256: z.string(),
  script_executable: z.boolean().optional().describe('it was executable when the job was delegated'),
  timeout_seconds: z.number().optional().describe('how long it may run; 600 where absent'),
  outcome: z
    .string()
    .optional()
    .describe('of its last run: passed, failed, could_not_run or could_not_finish (it timed out)'),
  problem: z.string().optional().describe('why it could not run or finish'),
  passed: z.boolean().optional().describe('absent without a verdict on the work'),
  exit_code: z.number().int().optional(),
  decision: z
    .string()
    .optional()
    .describe('allow or deny: whether the work was accepted although it could not run or finish'),
  decided_by: z.string().optional(),
  rounds: z.number().int().describe('how many times the script has run'),
  max_rounds: z.number().int().optional().describe('how many times its output goes back to the peer'),
  output_tail: z.string().optional(),
  script_changed: z
    .boolean()
    .optional()
    .describe('true when the script is no longer the one that was delegated'),
  path: z.string().optional().describe("the submitter's PATH, which the script runs with"),
  path_sha256: z.string().optional().describe('of that PATH where it is long: it is in texts/'),
  virtual_env: z.string().optional(),
});
export type Validation = z.infer<typeof validationSchema>;

/** The job that has the pane, and needs someone before the next one can have it. */
export const behindSchema = z.object({
  job_id: z.string().describe('the job that has its pane'),
  needs: z.string().describe('what that one needs: its reason or blocked_by'),
});
export type Behind = z.infer<typeof behindSchema>;

/** Whether the agent has our server. */
export const peerServerSchema = z.enum(['connected', 'unknown']);

/** An agent's process in its pane, and the pane's first process. */
export const processSchema = z.object({
  pid: z.number().int(),
  start: z.string(),
  ns: z.string().optional().describe('the pid namespace that the ids count in'),
  command: z.string(),
  pane_pid: z.number().int(),
});

/** What delivery needs besides the session, kept so that a new hub can continue it. */
const typingSchema = z.object({
  mam: z.string().describe('how the peer can call the command line'),
  started: z.boolean().optional().describe('the agent was started for this job'),
  argument: z.boolean().optional().describe('it was given its order on its command line'),
  trusted: z.boolean().optional().describe('whoever delegated said that an agent reads what is typed there'),
  draft: z.string().optional(),
  ready: z.string().optional(),
  busy: z.string().optional(),
  dialog: z.string().optional(),
  clear: z.string().optional(),
  interrupt: z.string().optional(),
  fresh: z.string().optional(),
});

/** A job whose agent waits for this one, on whatever host, and that agent's pane. */
const ancestorSchema = z.object({
  host: z.string(),
  pane: z.string(),
  job_id: z.string().optional(),
});
export type Ancestor = z.infer<typeof ancestorSchema>;

/** The git worktree that was made for a job, and its branch. */
export const worktreeSchema = z.object({
  folder: z.string(),
  branch: z.string(),
  base: z.string().describe('commit that the branch began at'),
  repository: z.string().describe('git folder that its worktrees share'),
  new_branch: z.boolean().optional().describe('the branch was made for it'),
  setup: z.object({ script: z.string(), script_sha256: z.string() }).optional(),
  ready_at: z.string().optional().describe('when it was made and set up'),
});
export type Worktree = z.infer<typeof worktreeSchema>;

/** What the configuration puts before the task. The prompt's preview is that of the task alone; its hash and size are of both. */
const preambleSchema = z.object({
  beginning: z.string(),
  bytes: z.number().int().describe('how much of the prompt it is, with what separates the two'),
  task_sha256: z.string().describe('of the task alone'),
});

/** The session that is started for a job alone. */
export const newSessionSchema = z.object({
  name: z.string().describe('of the tmux session, also before it is there'),
  socket: z.string().describe('absolute path of the tmux socket'),
  max: z.number().int().describe('how many such sessions of its kind may be in use when it is started'),
  keep: z.boolean().optional().describe('it stays when the job is done'),
});

/** What `delegate` fixes about a job: the data of its first event. */
export const orderSchema = z.object({
  job_id: z.string(),
  agent: z.string(),
  profile: z.string().optional().describe('the profile of that kind that it was delegated to'),
  agent_session: agentSessionSchema.optional(),
  /** As it was when the job was delegated. */
  agent_process: processSchema.optional(),
  typing: typingSchema.optional(),
  host: z.string(),
  registry_dir: z.string(),
  log_dir: z.string(),
  workdir: z.string(),
  prompt_sha256: z.string(),
  prompt_preview: z.string(),
  prompt_bytes: z.number().int(),
  preamble: preambleSchema.optional(),
  supervisor: supervisorSchema,
  parent_job_id: z.string().optional(),
  /** Of a job from another host, which alone knows its parent: who waits for it, the nearest first. */
  lineage: z.array(ancestorSchema).optional(),
  /** The supervisor's agent in its own pane, if it asked for a line there. */
  notify: z
    .object({
      pane: z.string(),
      socket: z.string(),
      agent: z.string().describe('its kind'),
      process: processSchema,
      typing: typingSchema.pick({ ready: true, busy: true, dialog: true, draft: true }),
    })
    .optional(),
  depth: z.number().int(),
  request_key: z.string().optional(),
  peer_server: peerServerSchema,
  fresh: z.boolean().optional().describe('its order begins a new conversation of the agent'),
  after: z.array(z.string()).optional().describe('the jobs that it waits for before it is handed over'),
  after_any_end: z.boolean().optional().describe('however those end'),
  prepares: z
    .array(z.string())
    .optional()
    .describe('what is done before it is handed over: after, pool, worktree'),
  target: agentSessionSchema.optional().describe('where it goes once it is prepared, as far as it is known'),
  validation: validationSchema.optional(),
  worktree: worktreeSchema.optional(),
  new_session: newSessionSchema.optional(),
  timeouts: z.object({ timeout_seconds: z.number(), idle_timeout_seconds: z.number() }),
  max_tokens: z.number().int().optional().describe('tokens after which it needs you (over_budget)'),
});
export type JobOrder = z.infer<typeof orderSchema>;

/** The current state of a job, folded from its journal by `apply`. Times are ISO 8601 with ms, by the hub's clock. */
export const recordSchema = orderSchema.extend({
  status: z.enum(STATUSES),
  reason: z.string().optional().describe('more about input_required or failed'),
  phase: z.string().describe('delivery stage reached, or validating'),
  blocked_by: z.string().optional().describe('what blocks it, or a text for its peer'),
  /** It has lasted so long that it may never go away by itself. */
  held_up: z.boolean().optional().describe('the obstacle needs someone'),
  /** Set for texts other than the order: then the job has its pane, and its peer works or waits. */
  blocked_what: z.string().optional().describe('messages or reminder: what is blocked, if not the order'),
  blocked_evidence: z.string().optional().describe('what was seen when such a text was blocked'),
  blocked_step: z.string().optional().describe('command that removes the obstacle'),
  behind: behindSchema.optional(),
  task_sha256: z
    .string()
    .optional()
    .describe('of its task with the results that its prompt names: a file in texts/'),
  prepared: z.array(z.string()).optional().describe('which of `prepares` is done'),
  /** When its agent began to be started, after its preparation: after a crash of the hub it is not started again. */
  starting_at: z.string().optional(),
  /** Set while the record is read, never by an event. */
  home: homeSchema.optional(),
  attention: z.array(z.string()).describe('every open reason for input_required, most urgent first'),
  requests: z.array(requestSchema),
  detail: z.string().optional().describe("last words about the job: the peer's, marked as data"),
  result: z.string().optional().describe('beginning of the result'),
  result_file: z.string().optional().describe('file with the whole result, when longer'),
  files: z.array(z.string()).optional(),
  changes: changesSchema.optional(),
  overlaps: z.array(overlapSchema).optional().describe('jobs that changed the same files'),
  messages: z.array(z.string()).describe('waiting for the peer'),
  /** The messages in the answer to the peer's event `seq`: a repeated call gets them again. */
  messages_given: z.object({ seq: z.number().int(), messages: z.array(z.string()) }).optional(),
  /** When the peer was reminded to report, after its turn had ended without a report. */
  reminded_at: z.string().optional(),
  /** How many of the messages were announced to the peer in its pane: it only has to fetch them. */
  messages_announced: z.number().int().optional(),
  /** What is being typed into the pane, other than the order: after a crash of the hub it is not typed again. */
  typing_now: z.string().optional(),
  last_words: z.string().optional().describe("the end of the agent's last turn, as its hook reported it"),
  conversation: conversationSchema.optional(),
  usage: usageSchema.optional(),
  /** What was used before the conversation of now. */
  usage_before: usageSchema.optional(),
  /** It asks for attention over its budget only once. */
  over_budget_at: z.string().optional(),
  delivery: z.array(receiptEntrySchema),
  created_at: z.string(),
  submitted_at: z.string().optional(),
  started_at: z.string().optional(),
  final_at: z.string().optional(),
  last_sign_of_life_at: z.string(),
  /** The branch of its worktree is in another one, up to this commit. */
  merged: z.object({ into: z.string(), commit: z.string(), at: z.string() }).optional(),
  /** Its worktree was removed; with the commit of its branch if that was deleted too. */
  discarded: z.object({ at: z.string(), commit: z.string().optional() }).optional(),
  /** How the session that was started for the job alone has ended, or why it stays. */
  session_end: z
    .object({
      how: z.string().describe('ended by mam, gone, or taken by a person'),
      at: z.string(),
    })
    .optional(),
  late: z.boolean().describe('true when a late report amended the end'),
  seq: z.number().int(),
  /** The last event that waiters had to be notified of. */
  wake_seq: z.number().int(),
  /** The `wake_seq` up to which its supervisor was notified, by a line in its pane, its channel, a wait or a look. */
  notified_seq: z.number().int().optional(),
  /** The same for what no event says, of a job on another machine: its host was away, or it was lost. */
  notified_episode: z.number().int().optional(),
  /** The `wake_seq` up to which its supervisor or a person has looked; only of a job with a session of its own. */
  looked_seq: z.number().int().optional(),
  /** The line that is being typed into that pane: after a crash of the hub it is not typed again, only sent. */
  notifying: z.string().optional(),
});
export type JobRecord = z.infer<typeof recordSchema>;
