import { resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import {
  choice,
  count,
  type Field,
  flag,
  group,
  list,
  maybe,
  number,
  or,
  type Sent,
  text,
  truth,
  type Values,
} from '../base/fields.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord, ReceiptEntry } from '../job/record.ts';
import { withoutStarts } from '../settings/agent-config.ts';
import type { AskerSettings } from '../settings/program.ts';
import { AGENT_NAMES, DEFAULT_SESSIONS } from './agent-names.ts';
import { type KnownKind, launch, place, terminal } from './agents.ts';
import {
  type Asker,
  agentSession,
  host,
  origin,
  originOf,
  scriptSurroundings,
  supervisor,
} from './common.ts';

const WEEK = { min: 1, max: LIMITS.timeoutSeconds };

const OWN_SESSION = `tmux:${DEFAULT_SESSIONS['claude-code']}`;

const fields = {
  prompt: text('the task, self-contained: the peer sees nothing of this conversation', {
    ...{ bytes: LIMITS.promptBytes, needsWords: true },
    typed: 'the task, self-contained, at most 1 MiB',
  }),
  agent: or(
    text(
      `agent kind: ${AGENT_NAMES}, human (a person; nothing is typed), command (any program in raw mode), or one from your configuration`,
      { completes: 'agent' },
    ),
    'claude-code',
  ),
  agent_session: maybe(
    text('session of the agent: tmux:NAME, tmux:NAME:WINDOW.PANE or tmux:%3', { completes: 'session' }),
    `that of its kind (such as ${OWN_SESSION})`,
  ),
  trust_pane: flag('an agent reads what is typed there, even through ssh or a container'),
  host,
  workdir: maybe(text('working folder', { completes: 'folder' }), 'the current one'),
  worktree: maybe(
    text('gives the job a git worktree: true, or its branch', {
      orTrue: true,
      value: 'BRANCH',
      // A task has blanks; a branch has none.
      alone: /^[^\s-]\S*$/,
      typed: 'a git worktree and a branch for the job: this branch, or a new one with the id of the job',
    }) as Field<string | true>,
  ),
  base: maybe(text('commit that the branch begins at'), 'HEAD'),
  timeout_seconds: or(number('seconds from hand-over until the job fails (timeout)', WEEK), 3_600),
  idle_timeout_seconds: or(number('seconds of silence until the job needs you (stalled)', WEEK), 120),
  validate: maybe(text('script that checks completed work: exit code 0 passes', { completes: 'file' })),
  validate_rounds: or(
    count("times that a failed script's output goes back to the peer", { min: 0, max: 10 }),
    0,
  ),
  validate_timeout_seconds: or(number('seconds that the script may run', WEEK), 600),
  max_tokens: maybe(
    count('tokens, without cached ones, after which it needs you (over_budget)', {
      min: 1,
    }),
  ),
  on_busy: or(
    choice(['queue', 'refuse'], 'if the agent is busy: queue the job for its turn, or refuse it'),
    'queue',
  ),
  start: flag('start the agent if its session is missing'),
  fresh: flag('new conversation first; otherwise jobs to a session share one'),
  after: maybe(
    list(text(), 'ids of jobs to wait for; {{result:ID}} in the prompt becomes the result of one', {
      ...{ max: 20, completes: 'job' },
    }),
  ),
  after_any_end: flag('however those jobs end; otherwise a failed one fails this'),
  session: maybe(choice(['new'], 'new: a session for this job alone, ended when it is done and looked at')),
  max: maybe(count('new sessions of this kind at once, 1 or more; further jobs wait', { min: 1 })),
  keep: flag('keep the new session at the end'),
  request_key: maybe(
    text('idempotency key: a repeat in your session or pane returns the same job', {
      ...{ min: 1, max: 200 },
      typed:
        'idempotency key: a repeat from the same tmux pane or client session (outside both: from any shell) returns the same job of this registry',
    }),
    "the client's call id",
  ),
  notify: or(
    choice(
      ['none', 'pane'],
      'pane: when the job ends or needs you and you are not waiting, a line in your pane when idle',
      {
        typed:
          'with --no-wait, for an agent that calls this from its pane: pane writes one line there when the job ends or needs you; default: none',
      },
    ),
    'none',
  ),
  dry_run: flag('only show what this call would do'),
};
const { dry_run: _, host: __, ...sent } = fields;

export const delegate = {
  fields,
  /** What a job is asked for, whichever host it is for. */
  asked: sent,
  params: {
    ...{ ...sent, ...scriptSurroundings },
    prompt: maybe(text('the task itself'), 'see prompt_spool'),
    prompt_spool: maybe(text('file with it in the spool folder of MAM_HOME, when longer than 16 KiB')),
    agent: text('the agent kind'),
    profile: maybe(text('the profile of that kind that was asked for')),
    preamble: maybe(text('what the configuration puts before the task')),
    terminal: maybe(terminal),
    workdir: text('absolute path'),
    timeout_seconds: number(),
    idle_timeout_seconds: number(),
    on_busy: choice(['queue', 'refuse']),
    start: maybe(group(launch, 'how to start the agent when its session is missing; absent: do not')),
    notify: maybe(
      group(
        { configured: place.configured },
        'notify the supervisor in its own pane, with the agent kinds of its configuration; absent: do not',
      ),
    ),
    tmux_socket: text("absolute path of the caller's tmux socket"),
    registry_dir: text('folder of the registry, absolute'),
    logs_dir: maybe(text()),
    worktrees: maybe(text('folder for worktrees, absolute'), 'beside the repository'),
    supervisor,
    origin: maybe(origin),
    limits: maybe(
      group(
        { max_depth: count(), max_open_jobs: count(), max_new_sessions: maybe(count()) },
        "the caller's limits; absent: the defaults",
      ),
    ),
    mam_command: text('how the peer calls mam: mam or a full path'),
  },
  answer: {
    job_id: text(),
    status: text(),
    reason: maybe(text()),
    blocked_by: maybe(text('what is blocking its delivery')),
    blocked_step: maybe(text('command that helps to unblock it')),
    needs_you: maybe(truth('true: it waits for someone')),
    detail: maybe(text('what was seen in the pane, to be read as data')),
    delivery_stage: text(
      'how far the prompt got: queued, pasting, visible, submitted, acknowledged or started; unconfirmed: its host has not answered yet',
    ),
    delivery: list(group({ stage: text(), at: text(), evidence: maybe(text()) }), 'the delivery receipt'),
    position: count('jobs ahead of this one at the same pane'),
    behind: list(text(), 'ids of those jobs, the current holder first'),
    new_conversation: maybe(text('with fresh: how the new conversation is begun, and whether it was')),
    peer_server: maybe(text("connected when the peer's own mam server is known to be running, else unknown")),
    agent_session: maybe({ ...agentSession, about: 'where the peer runs' }),
    worktree: maybe(group({ folder: text(), branch: text(), base: text() })),
    target: maybe(text('with dry_run: the session, as you gave it')),
    attach_command: maybe(text('what a person types to look at the agent')),
    registry_dir: text(),
    log_dir: text(),
    host: maybe(text('the other host that has the agent')),
    repeated: truth('true when the same request_key returned an earlier job'),
    dry_run: truth(),
    would_refuse: maybe(text('with dry_run: why the call itself would be refused now')),
    typed_text: maybe(text('with dry_run: what would be typed into the pane; absent for a person')),
    preamble: maybe(text('with dry_run: what the configuration puts before the task')),
    warnings: list(text()),
  },
};
export type DelegateParams = Sent<typeof delegate.params>;
/** What the caller asks for. */
export type DelegateArgs = Values<typeof fields>;

export interface DelegateResult {
  record: JobRecord;
  /** True when the same `request_key` returned an earlier job. */
  repeated: boolean;
  delivery: ReceiptEntry[];
  /** How many jobs are ahead of this one in the pane's queue. */
  position: number;
  /** Ids of the jobs ahead of this one, the current holder of the pane first. */
  behind: string[];
  warnings: string[];
  /** The other host that has the agent. */
  host?: string | undefined;
}

/** The result of a dry run: its record is in no registry. */
export interface PreviewResult extends DelegateResult {
  /** What would be typed, or passed to the agent at its start; absent if nothing would be. */
  typed_text?: string | undefined;
  /** What the configuration puts before the task. */
  preamble?: string | undefined;
  /** Why the call itself would be refused now, if its text is known anyway. */
  would_refuse?: string | undefined;
}

/**
 * Builds the hub request for a new job.
 * @throws MamError `bad_input` when no session is given and the kind has none of its own
 */
export function delegateParams(
  args: DelegateArgs,
  kind: KnownKind,
  asker: Asker,
  settings: AskerSettings,
): DelegateParams {
  const {
    dry_run: _,
    host: __,
    start: ___,
    notify,
    session: _session,
    agent_session: named,
    workdir = kind.workdir ?? '.',
    validate,
    ...rest
  } = args;
  const { clientName: client, session, pane, socket, place, channel, cwd } = asker;
  const isNew = isNewSession(args, kind);
  const agent_session = isNew ? undefined : (named ?? kind.defaultSession);
  if (agent_session === undefined && !isNew && !kind.isHuman) {
    throw new MamError(
      'bad_input',
      `Agent kind ${kind.name} has no session of its own.`,
      'Give agent_session: tmux:NAME, or tmux:%3 for a pane.',
    );
  }
  return {
    ...rest,
    ...{ agent: kind.name, profile: kind.profile, terminal: kind.terminal, agent_session },
    preamble: kind.preamble(),
    workdir: resolve(cwd, workdir),
    validate: validate && resolve(cwd, validate),
    supervisor: { client, session, pane, socket, place, ...(channel && { channel }) },
    origin: originOf(asker),
    session: isNew ? 'new' : undefined,
    start: args.start || isNew ? { ...settings.launch, ...kind.startWith() } : undefined,
    notify: notify === 'pane' ? { configured: withoutStarts(settings.agents) } : undefined,
    tmux_socket: settings.tmuxSocket,
    registry_dir: settings.registryDir,
    logs_dir: settings.logsDir,
    worktrees: settings.worktrees,
    limits: {
      max_depth: settings.maxDepth,
      max_open_jobs: settings.maxOpenJobs,
      max_new_sessions: settings.maxNewSessions,
    },
    path: settings.path,
    virtual_env: settings.virtualEnv,
    mam_command: settings.mamCommand,
  };
}

/**
 * True for a job that gets a session of its own: it is asked for, its profile says so, or its agent must run in a worktree
 * that is not there yet. @throws MamError `bad_input` as `checkNewSession`
 */
function isNewSession(args: DelegateArgs, kind: KnownKind): boolean {
  const { session, agent_session: named, worktree } = args;
  const isOwn = kind.defaultSession === 'new' || (worktree !== undefined && !kind.isHuman);
  const isNew = session === 'new' || (named === undefined && isOwn);
  checkNewSession(args, isNew);
  if (isNew && kind.isHuman)
    throw new MamError('bad_input', 'A person cannot be started.', 'Leave out session (`--new`).');
  return isNew;
}

/**
 * @param isNew whether the job gets a session of its own
 * @throws MamError `bad_input` for what contradicts that, or has no effect without it
 */
export function checkNewSession(
  { agent_session: named, max, keep }: Pick<DelegateArgs, 'agent_session' | 'max' | 'keep'>,
  isNew: boolean,
): void {
  if (!isNew && (max !== undefined || keep))
    throw new MamError(
      'bad_input',
      'max and keep are about a new session.',
      'Give session "new" (`--new`) too, or leave out max (`--max`) and keep (`--keep`).',
    );
  if (isNew && named !== undefined)
    throw new MamError(
      'bad_input',
      'A new session cannot be one that is named.',
      'Leave out agent_session (`--agent-session`) or session (`--new`): the new one gets a name of its own.',
    );
}
